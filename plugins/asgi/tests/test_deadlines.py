"""The deadlines of many websockets, on a clock that is set."""

from types import SimpleNamespace

import pytest
from hookserve_asgi.deadlines import Deadlines


class Loop:
    """As far as deadlines see one."""

    def __init__(self):
        self.now = 0.0
        self.timers = []

    def time(self):
        return self.now

    def call_at(self, moment, function):
        timer = SimpleNamespace(moment=moment, function=function)
        timer.cancel = lambda: self.timers.remove(timer)
        self.timers.append(timer)
        return timer

    def advance(self):
        """To the next timer."""
        (timer,) = self.timers
        self.timers.clear()
        self.now = timer.moment
        timer.function()


class Websocket:
    deadline = 0.0

    def __init__(self, called):
        self.called = called

    def on_deadline(self, now):
        self.called.append(now)


@pytest.fixture
def loop():
    return Loop()


def test_those_that_are_due_in_the_same_time_wake_the_worker_once(loop):
    deadlines, called = Deadlines(loop, slack=1.0), []

    for _ in range(100):
        deadlines.wait(Websocket(called), 20)
        loop.now += 0.01
    loop.advance()

    assert called == [21.0] * 100
    assert not loop.timers


def test_an_earlier_deadline_replaces_the_timer(loop):
    deadlines, called = Deadlines(loop, slack=1.0), []

    deadlines.wait(Websocket(called), 20)
    deadlines.wait(Websocket(called), 5)
    loop.advance()
    loop.advance()

    assert called == [6.0, 21.0]


@pytest.mark.parametrize("is_discarded", [False, True])
def test_without_a_deadline_there_is_no_timer(loop, is_discarded):
    deadlines, called = Deadlines(loop, slack=1.0), []
    websocket = Websocket(called)

    deadlines.wait(websocket, 5)
    if is_discarded:
        deadlines.discard(websocket)
    else:
        deadlines.wait(websocket, 0)
    loop.advance()

    assert not called
    assert not loop.timers
