"""What a worker waits for: who is called for a descriptor, and when the next sweep is due."""

import errno
import os
import threading
from types import SimpleNamespace

import pytest

from hookserve.reactor.loop import Loop
from hookserve.reactor.poller import EDGE, FOR_EVER, HANGUP, READABLE


class Worker:
    """Counts how often it is idle."""

    idles = 0

    def idle(self):
        self.idles += 1


class Poller:
    """Records calls, together with the handlers that the loop has at that moment."""

    def __init__(self, loop, error=None):
        self.calls, self._loop, self._error = [], loop, error

    def register(self, fd, event):
        self.calls.append(("register", fd, event, fd in self._loop.handlers))
        if self._error:
            raise self._error

    def unregister(self, fd):
        self.calls.append(("unregister", fd, fd in self._loop.handlers))


@pytest.fixture
def setting():
    """A loop, a pipe, and a record of the calls of `on_earlier_sweep`."""
    read, write = os.pipe()
    earlier = []
    worker = Worker()
    loop = Loop(worker, -1, lambda: earlier.append(loop.next_sweep))
    yield SimpleNamespace(loop=loop, worker=worker, read=read, write=write, earlier=earlier)
    loop.poller.close()
    os.close(read)
    os.close(write)


def test_a_watched_descriptor_is_reported_while_it_is_readable(setting):
    setting.loop.watch(setting.read, list)
    assert setting.loop.wait(0.0) == []

    os.write(setting.write, b"x")

    assert setting.loop.wait(FOR_EVER) == [(setting.read, READABLE)]
    assert setting.loop.wait(0.0) == [(setting.read, READABLE)]
    assert setting.loop.handlers == {setting.read: list}


def test_an_edge_is_reported_once(setting):
    setting.loop.watch(setting.read, list, EDGE)
    os.write(setting.write, b"x")

    assert setting.loop.wait(0.0) == [(setting.read, READABLE)]
    assert setting.loop.wait(0.0) == []


def test_a_descriptor_that_is_no_longer_watched_is_not_reported(setting):
    setting.loop.watch(setting.read, list)
    os.write(setting.write, b"x")

    setting.loop.unwatch(setting.read)

    assert setting.loop.wait(0.0) == []
    assert setting.loop.handlers == {}


def test_the_end_of_a_watched_descriptor_is_an_event(setting):
    setting.loop.watch(setting.read, list)
    os.close(setting.write)
    setting.write = os.open(os.devnull, os.O_RDONLY)

    ((fd, event),) = setting.loop.wait(0.0)

    assert fd == setting.read
    assert event & HANGUP


def test_an_event_finds_its_handler_however_early_it_comes(setting):
    """Another thread may wait at the poller: no event may find a descriptor without a handler."""
    poller = setting.loop.poller
    setting.loop.poller = recorded = Poller(setting.loop)

    setting.loop.watch(9, list, EDGE)
    setting.loop.unwatch(9)
    setting.loop.poller = poller

    assert recorded.calls == [("register", 9, READABLE | EDGE, True), ("unregister", 9, True)]


def test_a_descriptor_that_the_poller_does_not_take_keeps_no_handler(setting):
    """Its number may be a connection's later."""
    poller = setting.loop.poller
    setting.loop.poller = Poller(setting.loop, OSError(errno.ENOSPC, "too many watches"))

    with pytest.raises(OSError, match="too many watches"):
        setting.loop.watch(9, list)
    setting.loop.poller = poller

    assert setting.loop.handlers == {}


def test_one_turn_takes_as_many_events_as_the_batch():
    loop = Loop(Worker(), 1)
    pipes = [os.pipe() for _ in range(3)]
    for read, write in pipes:
        loop.watch(read, list, EDGE)
        os.write(write, b"x")

    found = [loop.wait(0.0) for _ in range(4)]

    assert [len(each) for each in found] == [1, 1, 1, 0]
    assert {fd for events in found for fd, _ in events} == {read for read, _ in pipes}
    loop.poller.close()
    for fd in sum(pipes, ()):
        os.close(fd)


def test_a_worker_is_idle_before_it_waits(setting):
    setting.loop.wait(0.0)
    setting.loop.wait(0.0)

    assert setting.worker.idles == 2


def test_no_sweep_is_due_at_first(setting):
    assert setting.loop.next_sweep == FOR_EVER
    assert setting.earlier == []


def test_the_earliest_moment_wins_and_only_an_earlier_one_is_reported(setting):
    for moment in (50.0, 70.0, 50.0, 30.0, 49.9, FOR_EVER):
        setting.loop.sweep_by(moment)

    assert setting.loop.next_sweep == 30.0
    assert setting.earlier == [50.0, 30.0]


def test_a_moment_in_the_past_is_due_too(setting):
    setting.loop.sweep_by(-1.0)

    assert setting.loop.next_sweep == -1.0


def test_after_a_sweep_has_begun_none_is_due_but_what_is_asked_for_anew(setting):
    setting.loop.sweep_by(30.0)

    setting.loop.begin_sweep()

    assert setting.loop.next_sweep == FOR_EVER
    setting.loop.sweep_by(40.0)
    assert setting.loop.next_sweep == 40.0
    assert setting.earlier == [30.0, 40.0]


def test_the_callback_may_ask_for_a_sweep_itself(setting):
    """It is called without the lock."""
    setting.loop.on_earlier_sweep = lambda: setting.loop.sweep_by(10.0)

    setting.loop.sweep_by(30.0)

    assert setting.loop.next_sweep == 10.0


def test_an_error_of_the_callback_leaves_the_moment_set(setting):
    def fail():
        raise OSError("the wake-up failed")

    setting.loop.on_earlier_sweep = fail
    with pytest.raises(OSError, match="the wake-up failed"):
        setting.loop.sweep_by(30.0)

    setting.loop.on_earlier_sweep = list
    setting.loop.sweep_by(20.0)  # the lock is free
    assert setting.loop.next_sweep == 20.0


def test_of_moments_that_threads_ask_for_at_once_the_earliest_wins(setting):
    start = threading.Barrier(4)

    def ask(offset):
        start.wait()
        for number in range(200, 0, -1):
            setting.loop.sweep_by(float(4 * number + offset))

    threads = [threading.Thread(target=ask, args=[offset]) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert setting.loop.next_sweep == 4.0
