"""What is wrong with a plugin is found and explained."""

import types

import pytest

from hookserve import hookimpl
from hookserve.errors import PluginError
from hookserve.plugins.host import PluginHost
from hookserve.plugins.validation import (
    EARLY_HOOKS,
    check_level,
    find_early,
    find_unmarked,
    hook_names,
)


def plugin_of(source):
    module = types.ModuleType("plugin_under_test")
    exec(f"from hookserve import hookimpl\n{source}", module.__dict__)
    return module


@pytest.mark.parametrize(
    ("level", "cause", "remedy"),
    [
        (1, "", ""),
        (2, "it was written for level 2 of the hooks", "pip install --upgrade hookserve"),
        (0, "it was written for level 0 of the hooks", "pip install --upgrade theirs"),
        ("1", "its hookserve_api is '1', a whole number is expected", "mend it"),
        (True, "its hookserve_api is True, a whole number is expected", "mend it"),
    ],
)
def test_a_plugin_is_for_one_level(level, cause, remedy):
    found = check_level(types.SimpleNamespace(hookserve_api=level), lambda: "theirs")

    assert (found[0].removesuffix(", this is 1"), found[1]) == (cause, remedy)


def test_a_plugin_that_names_no_level_is_for_any():
    assert check_level(object(), lambda: "theirs") == ("", "")


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("@hookimpl\ndef pre_reqest(): ...", "'pre_reqest' is not a hook (did you mean 'pre_reque"),
        ("@hookimpl\ndef zzzzzz(): ...", "'zzzzzz' is not a hook"),
        (
            "@hookimpl(specname='on_exti')\ndef a(): ...",
            "'on_exti' is not a hook (did you mean 'on",
        ),
        (
            "@hookimpl\ndef on_exit(servr): ...",
            "on_exit has a parameter 'servr' that the hook lacks (it has: server)",
        ),
        (
            "@hookimpl\ndef worker_types(config): ...",
            "worker_types has a parameter 'config' that the hook lacks (it has: none)",
        ),
        ("@hookimpl\nasync def on_exit(): ...", "on_exit is a coroutine function (hooks are plain"),
        (
            "@hookimpl\nasync def on_exit(): yield",
            "on_exit is a coroutine function (hooks are plai",
        ),
        ("@hookimpl(wrapper=True)\ndef on_exit(): ...", "not a generator function"),
    ],
)
def test_a_plugin_that_is_at_odds_with_the_hooks_is_refused_in_one_line(source, problem):
    with pytest.raises(PluginError) as caught:
        PluginHost().register(plugin_of(source), "mine")

    assert str(caught.value).startswith("plugin 'mine': ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refused_plugin_leaves_nothing_behind():
    host = PluginHost()
    names = hook_names(host.manager)

    with pytest.raises(PluginError):
        host.register(plugin_of("@hookimpl\ndef pre_reqest(): ...\n"), "mine")

    assert hook_names(host.manager) == names
    assert not host.manager.has_plugin("mine")
    host.register(plugin_of("@hookimpl\ndef on_exit(): ...\n"), "mine")


@pytest.mark.parametrize("plugin", [None, type("Class", (), {})])
def test_what_is_no_plugin_is_refused(plugin):
    with pytest.raises(PluginError, match=r"plugin 'mine': (it is None|Class is a class)"):
        PluginHost().register(plugin, "mine")


def test_a_plugin_is_registered_once():
    host = PluginHost()
    plugin = types.SimpleNamespace(on_exit=hookimpl(lambda server: None))
    host.register(plugin, "first")

    with pytest.raises(PluginError, match="it is registered already, as 'first'"):
        host.register(plugin, "second")


def test_a_name_is_given_once():
    host = PluginHost()
    host.register(types.SimpleNamespace(), "logger standard")

    with pytest.raises(PluginError) as caught:
        host.register(types.SimpleNamespace(), "logger standard")

    assert str(caught.value) == (
        "plugin 'logger standard': another plugin is registered under that name"
    )


def test_a_plugin_that_cannot_be_inspected_is_described():
    class Touchy:
        def __dir__(self):
            raise RuntimeError("do not touch")

    with pytest.raises(PluginError, match="plugin 'touchy': RuntimeError: do not touch at "):
        PluginHost().register(Touchy(), "touchy")


def test_an_optional_hook_may_be_unknown():
    source = "@hookimpl(optionalhook=True)\ndef of_another_plugin(): ...\n"

    PluginHost().register(plugin_of(source), "mine")


def test_functions_that_lack_the_mark_are_found():
    plugin = plugin_of(
        "from os.path import join as on_exit\n"
        "def pre_request(): ...\n"
        "@hookimpl\ndef post_request(): ...\n"
        "def helper(): ...\nsettings = 5\n"
    )
    plugin.pre_request.__module__ = plugin.__name__

    assert find_unmarked(PluginHost().manager, plugin) == ["pre_request"]
    assert find_unmarked(PluginHost().manager, object()) == []


def test_hooks_that_are_called_before_it_is_known_which_settings_are_used_are_named():
    host = PluginHost()
    hook = host.manager.hook

    assert set(hook_names(host.manager)) >= EARLY_HOOKS
    assert find_early([hook.settings, hook.on_exit]) == ""
    assert find_early([hook.variables], has_variables=True) == ""
    assert find_early([hook.variables, hook.worker_types]).startswith(
        "variables, worker_types would not be called while none of its settings is used"
    )
