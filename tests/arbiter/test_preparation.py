"""What an assembly needs before workers can be forked from it."""

import sys
from types import ModuleType

import pytest

from hookserve.arbiter.preparation import register_loggers
from hookserve.errors import PluginError
from hookserve.launch.assembly import load_plugins
from hookserve.testing.fakes import configure


@pytest.fixture
def host():
    return load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "0"})


@pytest.fixture
def register(host, monkeypatch):
    """Registers the logger that a factory makes."""

    def register(factory):
        module = ModuleType("own_logger")
        module.make = factory
        monkeypatch.setitem(sys.modules, "own_logger", module)
        register_loggers(host, configure({"logger_class": ["own_logger:make"]}))

    return register


@pytest.mark.parametrize("takes_host", [False, True])
def test_the_factory_of_a_logger_gets_the_host_if_it_takes_one(register, host, takes_host):
    made = []

    def make(config):
        made.append((config.loglevel, None))
        return object()

    def make_with_host(config, host):
        made.append((config.loglevel, host))
        return object()

    register(make_with_host if takes_host else make)

    assert made == [("info", host if takes_host else None)]


def test_a_logger_that_cannot_start_is_named(register):
    def make(config):
        raise KeyError("x")

    with pytest.raises(PluginError, match=r"logger 'own_logger:make' cannot start: KeyError: 'x'"):
        register(make)
