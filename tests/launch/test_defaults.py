"""The core's own implementations of first-wins hooks."""

import pytest

from hookserve import hookimpl
from hookserve.config.resolved import SettingsSource, resolve
from hookserve.config.settings import SettingsTable
from hookserve.launch import defaults
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


def configured(**values):
    return resolve(SettingsTable(), [SettingsSource("here", values)])


def test_listeners_are_opened_where_bind_says(tmp_path):
    (listener,) = defaults.open_listeners(configured(bind=[f"unix:{tmp_path}/s"]), ())

    listener.close()
    assert (tmp_path / "s").is_socket()


def test_inherited_listeners_replace_the_default_address():
    inherited = (object(),)

    assert defaults.open_listeners(configured(), inherited) is inherited


def test_the_application_is_the_one_that_is_named():
    from support import applications

    app = defaults.load_app(configured(wsgi_app="support.applications:hello"))

    assert app is applications.hello


@pytest.mark.parametrize("name", ["open_listeners", "load_app"])
def test_a_plugins_implementation_comes_before(name):
    host = PluginHost()
    host.register(defaults, defaults.NAME)
    own = [] if name == "open_listeners" else print
    plugin = type("Plugin", (), {name: hookimpl(lambda self, config: own)})
    host.register(plugin(), "plugin")
    extra = [()] if name == "open_listeners" else []

    assert calling.fire(getattr(host.hook, name), configured(), *extra) is own
