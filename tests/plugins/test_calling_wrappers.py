"""Hook wrappers, new style and old: around collected hooks and those with one result."""

import logging

import pytest

from hookserve.errors import HookError
from hookserve.hookmarkers import hookimpl
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


@pytest.fixture
def host():
    return PluginHost()


class Failing:
    @hookimpl
    def config_files(self):
        raise ValueError("types")


def wrapper_of(kind, calls, replace=lambda result: result):
    """A wrapper of `load_app` and `config_files`, new style or old."""

    class New:
        @hookimpl(wrapper=True)
        def config_files(self):
            calls.append("before")
            result = yield
            calls.append("after")
            return replace(result)

        @hookimpl(wrapper=True)
        def target_workers(self):
            calls.append("before")
            result = yield
            calls.append("after")
            return replace(result)

    class Old:
        @hookimpl(hookwrapper=True)
        def config_files(self):
            calls.append("before")
            outcome = yield
            calls.append("after")
            outcome.force_result(replace(outcome.get_result()))

        @hookimpl(hookwrapper=True)
        def target_workers(self):
            calls.append("before")
            outcome = yield
            calls.append("after")
            outcome.force_result(replace(outcome.get_result()))

    return (New if kind == "new" else Old)()


class Typed:
    @hookimpl
    def config_files(self):
        return ["x", "y"]

    @hookimpl
    def target_workers(self, server, stats):
        return server


@pytest.mark.parametrize("kind", ["new", "old"])
def test_wrappers_run_around_a_collected_hook(host, kind):
    calls = []
    host.register(Typed(), "typed")
    host.register(wrapper_of(kind, calls), "around")

    assert calling.collect(host.hook.config_files) == [("typed", "x"), ("typed", "y")]
    assert calls == ["before", "after"]


@pytest.mark.parametrize("kind", ["new", "old"])
def test_what_a_wrapper_adds_to_a_collected_hook_carries_its_name(host, kind):
    host.register(Typed(), "typed")
    host.register(wrapper_of(kind, [], lambda results: [*results, ["z"]]), "around")

    found = calling.collect(host.hook.config_files)

    assert found == [("typed", "x"), ("typed", "y"), ("around", "z")]


@pytest.mark.parametrize("way", [calling.ask, calling.fire])
@pytest.mark.parametrize("kind", ["new", "old"])
def test_wrappers_run_around_a_hook_of_which_the_first_result_wins(host, kind, way):
    calls = []
    host.register(Typed(), "typed")
    host.register(wrapper_of(kind, calls, lambda result: result + 1), "around")

    assert way(host.hook.target_workers, 4, {}) == 5
    assert calls == ["before", "after"]


def test_a_wrapper_sees_the_exception_of_what_it_wraps_and_may_replace_it(host):
    class Mending:
        @hookimpl(wrapper=True)
        def config_files(self):
            try:
                yield
            except ValueError as error:
                return [[str(error)]]

    host.register(Failing(), "failing")
    host.register(Mending(), "mending")

    assert calling.collect(host.hook.config_files) == [("mending", "types")]


class Raising:
    @hookimpl(wrapper=True)
    def config_files(self):
        yield
        raise ValueError("late")

    @hookimpl(wrapper=True)
    def target_workers(self):
        yield
        raise ValueError("late")


class Silent:
    @hookimpl(wrapper=True)
    def config_files(self):
        return
        yield


class Twice:
    @hookimpl(wrapper=True)
    def config_files(self):
        yield
        yield


@pytest.mark.parametrize(
    ("plugin", "problem"),
    [(Raising(), "late"), (Silent(), "did not yield"), (Twice(), "yielded twice")],
)
def test_a_wrapper_that_fails_is_named(host, plugin, problem):
    host.register(Typed(), "typed")
    host.register(plugin, "culprit")

    with pytest.raises(HookError, match=f"plugin 'culprit' raised in config_files: .*{problem}"):
        calling.collect(host.hook.config_files)


def test_asking_logs_a_wrapper_that_raises_and_has_no_result(host, caplog):
    host.register(Typed(), "typed")
    host.register(Raising(), "culprit")

    with caplog.at_level(logging.ERROR, "hookserve"):
        assert calling.ask(host.hook.target_workers, 4, {}) is None

    assert "plugin 'culprit' raised in target_workers" in caplog.text


def test_what_a_wrapper_adds_is_checked_too(host):
    host.register(Typed(), "typed")
    host.register(wrapper_of("new", [], lambda results: [*results, [5]]), "around")

    with pytest.raises(HookError, match="plugin 'around' returned a wrong value in config_files"):
        calling.collect(host.hook.config_files)
