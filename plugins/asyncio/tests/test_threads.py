"""Threads that run exchanges."""

import threading
from types import SimpleNamespace

import pytest
from hookserve_asyncio.threads import ThreadPool

from hookserve.errors import BootError
from hookserve.testing import wait_until


class Worker:
    """Runs what is called an exchange here: a function."""

    def __init__(self):
        self.failures = []
        self.idles = 0
        self.reactor = SimpleNamespace(exchange=lambda function, transport: function())

    def make_transport(self):
        return object()

    def idle(self):
        self.idles += 1

    def fail(self, error):
        self.failures.append(error)


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


def make(worker, count, on_room=lambda: None):
    pool = ThreadPool(worker, count, on_room)
    pool.start()
    return pool


def test_as_many_run_at_once_as_there_are_threads(worker):
    barrier = threading.Barrier(3)
    pool = make(worker, 3)

    for _ in range(3):
        pool.serve(lambda: barrier.wait(5))

    wait_until(lambda: not pool.is_busy and worker.idles == 6)


def test_room_is_announced_once(worker, gate):
    calls = []
    pool = make(worker, 1, lambda: calls.append(1))
    assert not pool.awaits_room()
    pool.serve(gate.wait)
    pool.serve(gate.wait)
    assert pool.is_busy
    assert pool.awaits_room()

    gate.set()
    wait_until(lambda: not pool.is_busy and calls)
    pool.serve(gate.wait)
    wait_until(lambda: not pool.is_busy)

    assert calls == [1]


def test_a_loop_that_is_closed_does_not_end_the_thread(worker, gate):
    def fail():
        raise RuntimeError("Event loop is closed")

    pool = make(worker, 1, fail)
    pool.serve(gate.wait)
    pool.awaits_room()
    gate.set()
    wait_until(lambda: not pool.is_busy)
    pool.serve(lambda: worker.failures.append("none"))

    wait_until(lambda: worker.failures == ["none"])


def test_a_fault_is_the_workers(worker):
    def fail():
        raise ValueError("on purpose")

    make(worker, 1).serve(fail)

    wait_until(lambda: [type(each) for each in worker.failures] == [ValueError])


def test_a_system_without_threads_fails_the_boot(worker, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(BootError, match=r"thread 1 of 2: can't start.*--threads"):
        make(worker, 2)
