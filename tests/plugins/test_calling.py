"""Freezing behaves as pluggy; notifying contains; collecting names the culprit."""

import logging

import pluggy
import pytest

from hookserve.errors import HookError
from hookserve.hookspecs import hookimpl
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost
from hookserve.wording import describe


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
    def worker_types(self):
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


def test_nobody_listening_freezes_to_nothing(host):
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


def test_a_frozen_hook_that_raises_harms_nobody(host, caplog):
    calls = []
    host.register(Observer("plain", calls), "plain")
    host.register(Failing(), "failing")

    with caplog.at_level(logging.ERROR, "hookserve"):
        for function in calling.freeze(host.hook.pre_request):
            function(1, 2, 3)

    assert calls == [("plain", 1, 2, 3)]
    assert "plugin 'failing' raised in pre_request" in caplog.text


def test_notifying_calls_everybody_although_one_raises(host, caplog):
    calls = []
    host.register(Observer("plain", calls), "plain")
    host.register(Failing(), "failing")

    with caplog.at_level(logging.ERROR, "hookserve"):
        calling.notify(host.hook.pre_request, worker=1, req=2, environ=3)

    assert calls == [("plain", 1, 2, 3)]
    assert "plugin 'failing' raised in pre_request: ValueError: observer" in caplog.text


def test_firing_stops_at_the_first_that_raises_and_names_it(host):
    host.register(Failing(), "failing")

    with pytest.raises(HookError, match="plugin 'failing' raised in pre_request") as caught:
        calling.fire(host.hook.pre_request, 1, 2, 3)

    assert caught.value.plugin == "failing"
    assert "-P no:failing" in str(caught.value)


def test_the_first_answer_wins(host):
    class Answer:
        def __init__(self, answer):
            self.answer = answer

        @hookimpl
        def load_app(self, config):
            return self.answer

    host.register(Answer("first registered"), "a")
    host.register(Answer("last registered"), "b")
    host.register(Answer(None), "c")

    assert calling.fire(host.hook.load_app, None) == "last registered"


def test_collecting_names_who_gave_what_and_who_failed(host):
    class Good:
        @hookimpl
        def worker_types(self):
            return ["x", "y"]

    host.register(Good(), "good")

    assert calling.collect(host.hook.worker_types) == [("good", "x"), ("good", "y")]

    host.register(Failing(), "failing")
    with pytest.raises(HookError, match="plugin 'failing' raised in worker_types"):
        calling.collect(host.hook.worker_types)


def test_an_exception_is_described_with_its_place():
    try:
        raise KeyError("a")
    except KeyError as error:
        assert describe(error).startswith("KeyError: 'a' at ")
        assert "test_calling.py:" in describe(error)


def test_every_hook_says_where_it_runs_and_what_a_failure_does(host):
    for name in vars(host.manager.hook):
        if name.startswith("_"):
            continue
        caller = getattr(host.manager.hook, name)
        assert isinstance(caller, pluggy.HookCaller)
        said = " ".join((caller.spec.function.__doc__ or "").split())
        assert "Runs in: " in said, name
        assert "When it raises: " in said, name
