"""The typed markers mark as `hookimpl` does; mypy's part is tested in tests/meta."""

import pytest

from hookserve import hookimpl, hooks
from hookserve.hookspecs import Hooks
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


def test_there_is_a_marker_for_each_hook():
    assert set(dir(hooks)) == {name for name in dir(Hooks) if not name.startswith("_")}
    for name in dir(hooks):

        @getattr(hooks, name)
        def function(): ...

        assert function.hookserve_impl == hookimpl(specname=name)(function).hookserve_impl


def test_a_marked_function_is_a_hook_whatever_its_name_and_its_options():
    calls = []

    class Plugin:
        @hooks.when_ready(trylast=True)
        def second(self, server):
            calls.append(("second", server))

        @hooks.when_ready
        def first(self):
            calls.append("first")

    host = PluginHost()
    host.register(Plugin(), "plugin")
    calling.notify(host.hook.when_ready, server="S")

    assert sorted(map(str, calls)) == ["('second', 'S')", "first"]


def test_a_name_that_is_no_hook_is_refused_with_the_nearest():
    with pytest.raises(AttributeError, match=r"is not a hook .did you mean 'post_fork'"):
        hooks.post_frok  # noqa: B018  # it raises
    assert not hasattr(hooks, "_is_protocol")
