"""The settings, and what there is without them."""

import hookserve_opentelemetry
import pytest

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.errors import ConfigError
from hookserve.launch.assembly import assemble, declare_settings, load_plugins
from hookserve.testing.fakes import configure


def resolved(**values):
    table = declare_settings(load_plugins([], {}))
    return resolve(table, [SettingsSource("a file", values)])


@pytest.mark.parametrize(
    "address",
    [
        "localhost:4318",
        "grpc://localhost:4317",
        "http://",
        "http://:4318",
        "http://a:x",
        "http://a:99999",
        "https://[::1",
    ],
)
def test_an_address_that_is_no_url_is_refused(address):
    with pytest.raises(ConfigError, match="expected the URL of a collector, such as http"):
        resolved(otlp_endpoint=address)


def test_a_slash_at_the_end_of_the_url_is_left_out():
    assert resolved(otlp_endpoint="http://a:4318/").otlp_endpoint == "http://a:4318"


def test_the_variable_of_the_specification_gives_the_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = assemble([], {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a:4318"}).config

    assert config.otlp_endpoint == "http://a:4318"
    assert config.origin("otlp_endpoint") == "OTEL_EXPORTER_OTLP_ENDPOINT"


def test_without_an_address_there_is_nothing():
    config = configure({"otlp_endpoint": None})

    assert hookserve_opentelemetry.configured_plugins(config) == []
