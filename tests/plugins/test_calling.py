"""Freezing behaves as pluggy; notifying contains; collecting names the culprit."""

import logging
import types
from itertools import permutations

import pytest

from hookserve.errors import HookError
from hookserve.hookmarkers import hookimpl
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


class Observer:
    def __init__(self, name, calls, **options):
        self.name = name
        self.calls = calls

        @hookimpl(**options)
        def pre_request(worker, req, environ):
            calls.append((name, worker, req, environ))

        self.pre_request = pre_request


class Brief:
    """Asks for fewer arguments, in another order."""

    def __init__(self, calls):
        self.calls = calls

    @hookimpl
    def pre_request(self, environ, worker):
        self.calls.append(("brief", worker, environ))


class Wrapper:
    def __init__(self, calls):
        self.calls = calls

    @hookimpl(wrapper=True)
    def pre_request(self):
        self.calls.append("before")
        result = yield
        self.calls.append("after")
        return result


class Failing:
    @hookimpl
    def pre_request(self):
        raise ValueError("observer")

    @hookimpl
    def config_files(self):
        raise ValueError("types")


@pytest.fixture
def host():
    return PluginHost()


def call_both_ways(host, calls):
    host.hook.pre_request(worker=1, req=2, environ=3)
    through_pluggy = calls[:]
    calls.clear()
    for function in calling.freeze(host.hook.pre_request):
        function(1, 2, 3)
    return through_pluggy, calls


def test_a_hook_without_implementations_freezes_to_nothing(host):
    assert calling.freeze(host.hook.pre_request) == ()


@pytest.mark.parametrize(
    "options",
    [
        [{}, {}, {}],
        [{"tryfirst": True}, {}, {"trylast": True}],
        [{"trylast": True}, {"tryfirst": True}, {}],
        [{}, {"trylast": True}, {"tryfirst": True}],
    ],
)
def test_frozen_hooks_are_called_in_pluggys_order(host, options):
    calls = []
    for number, each in enumerate(options):
        host.register(Observer(number, calls, **each), str(number))

    through_pluggy, frozen = call_both_ways(host, calls)

    assert len(frozen) == 3
    assert frozen == through_pluggy


def test_a_frozen_hook_gets_the_arguments_that_it_asks_for(host):
    calls = []
    host.register(Brief(calls), "brief")

    through_pluggy, frozen = call_both_ways(host, calls)

    assert frozen == through_pluggy == [("brief", 1, 3)]


def test_wrappers_work_around_a_frozen_hook(host):
    calls = []
    host.register(Observer("plain", calls), "plain")
    host.register(Wrapper(calls), "wrapper")

    through_pluggy, frozen = call_both_ways(host, calls)

    assert frozen == through_pluggy == ["before", ("plain", 1, 2, 3), "after"]


def test_tracing_sends_frozen_hooks_through_pluggy(host, monkeypatch):
    calls, traced = [], []
    monkeypatch.setenv(calling.TRACE_VARIABLE, "1")
    host.register(Observer("plain", calls), "plain")
    host.manager.add_hookcall_monitoring(
        lambda name, *rest: traced.append(name), lambda *rest: None
    )

    for function in calling.freeze(host.hook.pre_request):
        function(1, 2, 3)

    assert traced == ["pre_request"]
    assert calls == [("plain", 1, 2, 3)]


def test_a_frozen_hook_that_raises_is_logged_and_the_others_run(host, caplog):
    calls = []
    host.register(Observer("plain", calls), "plain")
    host.register(Failing(), "failing")

    with caplog.at_level(logging.ERROR, "hookserve"):
        for function in calling.freeze(host.hook.pre_request):
            function(1, 2, 3)

    assert calls == [("plain", 1, 2, 3)]
    assert "plugin 'failing' raised in pre_request" in caplog.text


def test_notifying_calls_every_plugin_although_one_raises(host, caplog):
    calls = []
    host.register(Observer("plain", calls), "plain")
    host.register(Failing(), "failing")

    with caplog.at_level(logging.ERROR, "hookserve"):
        calling.notify(host.hook.pre_request, worker=1, req=2, environ=3)

    assert calls == [("plain", 1, 2, 3)]
    assert "plugin 'failing' raised in pre_request: ValueError: observer" in caplog.text


def test_firing_stops_at_the_first_plugin_that_raises_and_names_it(host):
    host.register(Failing(), "failing")

    with pytest.raises(HookError, match="plugin 'failing' raised in pre_request") as caught:
        calling.fire(host.hook.pre_request, 1, 2, 3)

    assert caught.value.plugin == "failing"
    assert str(caught.value).endswith(" (mend it)")  # no name leaves it out


@pytest.mark.parametrize("name", ["hookserve.conf.py", "/etc/g.py (2)", "python:shop", "logger x"])
def test_hooks_of_a_file_cannot_be_left_out_by_name(name):
    class Failing:
        @hookimpl
        def settings(self):
            raise ValueError("no")

    host = PluginHost()
    host.register(Failing(), name)

    with pytest.raises(HookError) as caught:
        calling.collect(host.hook.settings)

    assert str(caught.value).startswith(f"plugin '{name}' raised in settings: ValueError: no at ")
    assert str(caught.value).endswith(" (mend it)")


def test_the_first_result_wins(host):
    class Answer:
        def __init__(self, answer):
            self.answer = answer

        @hookimpl
        def load_app(self, config):
            return self.answer

    host.register(Answer(print), "a")
    host.register(Answer(len), "b")
    host.register(Answer(None), "c")

    assert calling.fire(host.hook.load_app, None) is len


def test_collecting_names_the_plugin_of_each_item_and_the_plugin_that_failed(host):
    class Good:
        @hookimpl
        def config_files(self):
            return ["x", "y"]

    host.register(Good(), "good")

    assert calling.collect(host.hook.config_files) == [("good", "x"), ("good", "y")]

    host.register(Failing(), "failing")
    with pytest.raises(HookError, match="plugin 'failing' raised in config_files"):
        calling.collect(host.hook.config_files)


def test_an_observer_that_raises_inside_a_wrapper_is_logged_by_its_own_name(host, caplog):
    calls = []
    host.register(Wrapper(calls), "wrapper")
    host.register(Failing(), "failing")
    host.register(Observer("plain", calls), "plain")

    with caplog.at_level(logging.ERROR, "hookserve"):
        calling.notify(host.hook.pre_request, worker=1, req=2, environ=3)

    assert "plugin 'failing' raised in pre_request: ValueError: observer" in caplog.text
    assert calls == ["before", ("plain", 1, 2, 3), "after"]


NAMES = ("worker", "req", "environ", "resp")


@pytest.mark.parametrize("wanted", [each for n in range(5) for each in permutations(NAMES, n)])
def test_a_frozen_hook_gets_what_pluggy_would_give_it(host, wanted):
    scope = {}
    exec(
        f"def post_request({', '.join(wanted)}): calls.append([{', '.join(wanted)}])",
        scope,
    )
    scope["calls"] = calls = []
    plugin = types.SimpleNamespace(post_request=hookimpl(scope["post_request"]))
    host.register(plugin, "plain")

    host.hook.post_request(worker=1, req=2, environ=3, resp=4)
    (function,) = calling.freeze(host.hook.post_request)
    function(1, 2, 3, 4)

    assert calls[0] == calls[1]


class Wrong:
    @hookimpl
    def config_files(self):
        return "gunicorn.conf.py"

    @hookimpl
    def target_workers(self):
        return "many"


def test_a_wrong_result_is_named_with_its_plugin_and_hook(host, caplog):
    host.register(Wrong(), "wrong")

    with pytest.raises(HookError) as caught:
        calling.collect(host.hook.config_files)
    assert calling.ask(host.hook.target_workers, None, {}) is None

    assert str(caught.value) == (
        "plugin 'wrong' returned a wrong value in config_files: expected a list, each item a"
        " string, not str 'gunicorn.conf.py' (mend it)"
    )
    assert (
        "plugin 'wrong' returned a wrong value in target_workers: expected a number of workers or"
        " None, not str 'many'"
    ) in caplog.text


class Wrapping:
    def __init__(self, *wrappers):
        self.wrappers = wrappers

    @hookimpl
    def app_wrappers(self, worker):
        return self.wrappers


def test_the_first_wrapper_is_outermost(host):
    host.register(Wrapping(lambda app: f"a({app})", lambda app: f"b({app})"), "first")

    assert calling.wrap(host.hook.app_wrappers, "app", bool, None) == "a(b(app))"


@pytest.mark.parametrize(
    ("wrapper", "message"),
    [
        (lambda app: None, "returned a wrong value in app_wrappers: its wrapper returned None"),
        (lambda app: app.nothing, "raised in app_wrappers: AttributeError: "),
    ],
)
def test_a_wrapper_of_an_application_that_fails_is_named(host, wrapper, message):
    host.register(Wrapping(lambda app: app), "right")
    host.register(Wrapping(wrapper), "wrong")

    with pytest.raises(HookError, match=f"plugin 'wrong' {message}"):
        calling.wrap(host.hook.app_wrappers, print, callable, None)
