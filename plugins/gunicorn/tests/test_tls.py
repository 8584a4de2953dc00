"""gunicorn's ssl_context makes the TLS context."""

import types

import pytest

from hookserve import ConfigError, hookimpl
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


def host_of(context, *plugins):
    import hookserve_gunicorn

    module = types.ModuleType("conf")
    module.ssl_context = context
    host = PluginHost()
    for number, plugin in enumerate([*plugins, *hookserve_gunicorn.file_plugins(module, host)]):
        host.register(plugin, str(number))
    return host


class Maker:
    @hookimpl
    def make_tls_context(self, config):
        return f"made of {config}"


class Failing:
    @hookimpl
    def make_tls_context(self, config):
        raise ConfigError("no certificate")


def test_the_function_makes_the_context():
    host = host_of(lambda cfg, default_factory: ("own", cfg.native))

    assert calling.fire(host.hook.make_tls_context, "C") == ("own", "C")


def test_its_default_factory_returns_what_the_settings_give():
    host = host_of(lambda config, default_factory: default_factory(), Maker())

    assert calling.fire(host.hook.make_tls_context, "C") == "made of C"


def test_wrong_settings_matter_only_to_a_function_that_asks_for_them():
    assert calling.fire(host_of(lambda c, d: "own", Failing()).hook.make_tls_context, "C") == "own"
    with pytest.raises(ConfigError, match="no certificate"):
        calling.fire(host_of(lambda c, d: d(), Failing()).hook.make_tls_context, "C")


def test_a_file_without_the_function_brings_nothing():
    import hookserve_gunicorn

    module = types.ModuleType("conf")
    assert hookserve_gunicorn.file_plugins(module, PluginHost()) == []
    module.ssl_context = "not callable"
    assert hookserve_gunicorn.file_plugins(module, PluginHost()) == []
