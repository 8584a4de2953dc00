"""The specifications are documented and complete."""

import inspect

import pluggy
import pytest

from hookserve import hookspecs
from hookserve.plugins.host import PluginHost


@pytest.fixture
def host():
    return PluginHost()


def test_every_hook_says_where_it_runs_and_what_a_failure_does(host):
    for name in vars(host.manager.hook):
        if name.startswith("_"):
            continue
        caller = getattr(host.manager.hook, name)
        assert isinstance(caller, pluggy.HookCaller)
        text = " ".join((caller.spec.function.__doc__ or "").split())
        assert "Runs in: " in text, name
        assert "When it raises: " in text, name


def test_every_function_of_every_group_is_a_hook(host):
    groups = [each for each in hookspecs.Hooks.__mro__ if each.__module__.startswith("hookserve.")]
    names = {name for group in groups for name, _ in inspect.getmembers(group, inspect.isfunction)}

    for name in names:
        if not name.startswith("_"):
            assert isinstance(getattr(host.manager.hook, name), pluggy.HookCaller)


def test_collected_hooks_are_plural_and_the_first_result_wins_in_factories(host):
    for group, first_wins in [(hookspecs.AssemblyHooks, False), (hookspecs.FactoryHooks, True)]:
        for name in vars(group):
            if not name.startswith("_"):
                options = getattr(host.manager.hook, name).spec.opts
                assert bool(options["firstresult"]) == first_wins, name
                assert first_wins or name.endswith("s"), name
