"""The tables of connections: which of those that wait are idle, and in which order."""

import sys
import threading

import pytest
from support.reactors import Lines

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.connections import Connections
from hookserve.reactor.phases import Phase
from hookserve.worker.cells import unseen_word, unsigned_cell

IDLE = {Phase.SILENT, Phase.KEPT}


@pytest.fixture
def lingering():
    """The cell that says how many linger."""
    return unsigned_cell(unseen_word(), 0)


@pytest.fixture
def connections(lingering):
    return Connections(lingering)


def add(connections, fd, phase, is_waiting=True):
    """Enter a connection; returns it."""
    accepted = Accepted(fd, Lines())
    accepted.phase = phase
    connections.open[fd] = accepted
    if is_waiting:
        connections.waiting[fd] = accepted
    return accepted


def test_there_are_none_at_first(connections):
    assert (connections.open, connections.waiting, list(connections.idle())) == ({}, {}, [])


@pytest.mark.parametrize("phase", Phase)
def test_idle_is_between_two_requests_or_before_the_first_byte(connections, phase):
    accepted = add(connections, 7, phase)

    assert list(connections.idle()) == ([accepted] if phase in IDLE else [])


def test_a_connection_that_a_thread_owns_is_not_idle(connections):
    add(connections, 7, Phase.KEPT, is_waiting=False)

    assert list(connections.idle()) == []


def test_the_longest_idle_comes_first_whatever_its_descriptor(connections):
    for fd, phase in ((9, Phase.SILENT), (3, Phase.READING_HEAD), (5, Phase.KEPT), (4, Phase.KEPT)):
        add(connections, fd, phase)

    assert [each.fd for each in connections.idle()] == [9, 5, 4]


def test_a_connection_that_waits_anew_comes_last(connections):
    for fd in (9, 5):
        add(connections, fd, Phase.KEPT)

    connections.waiting[9] = connections.waiting.pop(9)

    assert [each.fd for each in connections.idle()] == [5, 9]


def test_the_phase_is_read_when_a_connection_is_reached(connections):
    """Another thread may have taken up one that was idle when the search began."""
    first, second = (add(connections, fd, Phase.KEPT) for fd in (9, 5))
    found = connections.idle()

    assert next(found) is first
    second.phase = Phase.RUNNING

    assert list(found) == []


def test_a_search_survives_connections_that_come_and_go(connections):
    for fd in (9, 5, 4):
        add(connections, fd, Phase.KEPT)
    found = connections.idle()
    next(found)

    del connections.waiting[5]
    add(connections, 6, Phase.KEPT)

    assert [each.fd for each in found] == [5, 4]  # evict() finds out that the first is taken


def test_a_search_survives_other_threads(connections):
    accepted = add(connections, 1, Phase.KEPT)
    stop, failures = threading.Event(), []

    def move():
        while not stop.is_set():
            for fd in range(2, 50):
                connections.waiting[fd] = accepted
            for fd in range(2, 50):
                connections.waiting.pop(fd)

    def search():
        try:
            for _ in range(300):
                list(connections.idle())
        except RuntimeError as error:
            failures.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        mover, searcher = threading.Thread(target=move), threading.Thread(target=search)
        mover.start()
        searcher.start()
        searcher.join()
        stop.set()
        mover.join()
    finally:
        sys.setswitchinterval(interval)

    assert failures == []


def test_those_that_linger_are_counted_until_they_are_closed(connections, lingering):
    for fd in (3, 4, 5):
        add(connections, fd, Phase.LINGERING, is_waiting=False)
    for fd in (3, 5, 5):
        connections.linger(fd)
    assert lingering[()] == 2

    connections.remove(4)
    connections.remove(5)

    assert lingering[()] == 1
    assert list(connections.open) == [3]
