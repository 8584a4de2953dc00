"""When a worker is idle."""

import os
from contextlib import closing

import pytest

from hookserve.reactor.poller import FOR_EVER, READABLE, make_poller
from hookserve.reactor.waiter import Waiter


class Worker:
    """Counts how often it is idle."""

    idles = 0

    def idle(self):
        self.idles += 1


class Poller:
    """Has so many events for each of some turns."""

    def __init__(self, events, turns):
        self.answers = [[(3, 1)] * events] * turns
        self.timeouts = []

    def poll(self, timeout, batch):
        self.timeouts.append(timeout)
        return self.answers.pop() if self.answers else []


@pytest.mark.parametrize(
    ("events", "turns", "idles"), [(8, 1, 2), (8, 5, 2), (8, 16, 3), (7, 5, 6), (0, 0, 1)]
)
def test_a_busy_worker_is_idle_when_it_would_have_to_wait(events, turns, idles):
    """And every eight turns: what its listeners have collected must go somewhere."""
    worker, poller = Worker(), Poller(events, turns)
    waiter = Waiter(worker, poller, -1)

    found = [waiter.wait(3.0) for _ in range(turns + 1)]

    assert [len(each) for each in found] == [events] * turns + [0]
    assert worker.idles == idles
    assert poller.timeouts.count(3.0) == idles
    assert len(poller.timeouts) <= turns + 2
    if events < 8:
        assert set(poller.timeouts) == {3.0}


def test_a_wait_for_ever_is_one_without_a_limit():
    poller = Poller(0, 0)

    Waiter(Worker(), poller, -1).wait(FOR_EVER)

    assert poller.timeouts == [None]


def test_a_wait_may_be_longer_than_the_kernels():
    with closing(make_poller()) as poller:
        (reading, writing) = os.pipe()
        poller.register(reading, READABLE)
        os.write(writing, b"x")

        assert Waiter(Worker(), poller, -1).wait(1e9) == [(reading, READABLE)]

        os.close(reading)
        os.close(writing)
