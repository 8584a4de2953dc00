"""What spans and metrics are said of."""

import pytest
from hookserve_opentelemetry.resource import make_resource

from hookserve.testing.fakes import configure


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)


def name_of(setting=None):
    made = make_resource(configure({"otlp_service_name": setting}), 7)
    assert made.attributes["process.pid"] == 7
    return made.attributes["service.name"]


def test_the_setting_names_the_service(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "of the environment")

    assert name_of("shop") == "shop"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_SERVICE_NAME", "till"), ("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=till")],
)
def test_the_environment_names_it_where_the_setting_does_not(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    assert name_of() == "till"


def test_a_service_without_a_name_is_hookserve():
    assert name_of() == "hookserve"
