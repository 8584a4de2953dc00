"""Plugins are registered once looked at, and in an order that may be chosen."""

import types

import pluggy
import pytest

from hookserve import hookimpl
from hookserve.hookspecs import Hooks
from hookserve.plugins.manager import Manager, manager_of


@pytest.fixture
def manager():
    made = Manager()
    made.add_hookspecs(Hooks)
    return made


def plugin():
    return types.SimpleNamespace(on_exit=hookimpl(lambda server: None))


def order(manager):
    return [each.plugin_name for each in manager.hook.on_exit.get_hookimpls()]


def test_the_hooks_that_a_plugin_implements_are_found(manager):
    assert manager.register_one(plugin(), "one") == [manager.hook.on_exit]


def test_a_plugin_may_be_registered_as_if_others_came_after_it(manager):
    for name in ("a", "c", "d"):
        manager.register_one(plugin(), name)

    manager.register_before(plugin(), "b", ["c", "d"])

    assert order(manager) == ["a", "b", "c", "d"]


def test_the_others_stay_where_a_plugin_is_refused(manager):
    manager.register_one(plugin(), "c")
    wrong = types.SimpleNamespace(on_exit=hookimpl(lambda nosuch: None))

    with pytest.raises(pluggy.PluginValidationError):
        manager.register_before(wrong, "b", ["c"])

    assert [each for each in order(manager) if each != "b"] == ["c"]


def test_a_hook_has_its_manager(manager):
    assert manager_of(manager.hook.on_exit) is manager


def test_a_hook_of_another_manager_has_none():
    other = pluggy.PluginManager("hookserve")
    other.add_hookspecs(Hooks)

    assert manager_of(other.hook.on_exit) is None
