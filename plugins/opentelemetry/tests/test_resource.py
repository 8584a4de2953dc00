"""What spans and metrics are said of."""

import pytest
from hookserve_opentelemetry.resource import make_resource

from hookserve.testing.fakes import configure
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import Scoreboard


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scoreboard():
    return Scoreboard(1, 1)


def resource_of(scoreboard, pid=7, setting=None):
    reading = Reader([scoreboard]).read()
    return make_resource(configure({"otlp_service_name": setting}), pid, reading)


def name_of(setting=None):
    made = resource_of(Scoreboard(1, 1), setting=setting)
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


def test_all_processes_of_a_server_are_one_instance_and_another_server_is_another(scoreboard):
    def instance(pid):
        return resource_of(scoreboard, pid).attributes["service.instance.id"]

    scoreboard.server.pid, scoreboard.server.start_time = 3, 1e9
    first = instance(7)

    assert instance(8) == first
    scoreboard.server.start_time = 1e9 + 1
    assert instance(7) != first


def test_the_environment_may_name_the_instance(scoreboard, monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=till-1")

    assert resource_of(scoreboard).attributes["service.instance.id"] == "till-1"
