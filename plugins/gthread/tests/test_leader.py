"""Leader/followers among the threads of a pool."""

import threading

import pytest
from hookserve_gthread.leader import Leadership

from hookserve.reactor.poller import READABLE, make_poller
from hookserve.worker.wakeup import Wakeup


@pytest.fixture
def event():
    return Wakeup()


@pytest.fixture
def leadership(event):
    events = make_poller()
    events.register(event.fileno(), READABLE)
    leadership = Leadership(Wakeup().fileno(), events.fileno())
    yield leadership
    events.close()


class Clock:
    """Time that passes when the test says so."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("hookserve_gthread.leader.monotonic", clock)
    return clock


def process(leadership, count=1):
    """The leader processes so many events, as long as it leads."""
    leadership.events.extend([(1, READABLE)] * count)
    for _ in leadership.dispatch(leadership.epoch):
        pass


def promoted_meanwhile(leadership):
    """A thread that waits for the leadership, and the epochs it has had."""
    epochs = []
    thread = threading.Thread(target=lambda: epochs.append(leadership.acquire()))
    thread.start()
    return thread, epochs


def test_a_thread_leads_until_it_releases_the_role(leadership):
    epoch = leadership.acquire()
    thread, epochs = promoted_meanwhile(leadership)
    assert leadership.epoch == epoch

    leadership.release(epoch)

    thread.join(5)
    assert epochs == [leadership.epoch] != [epoch]


def test_a_former_leader_cannot_release_the_role_again(leadership):
    first = leadership.acquire()
    leadership.release(first)
    leadership.release(first)
    second = leadership.acquire()

    leadership.release(first)

    assert leadership.epoch == second


def test_a_slow_leader_loses_the_role_while_clients_wait(leadership, event):
    epoch = leadership.acquire()
    leadership.after_wait()
    event.notify()
    thread, epochs = promoted_meanwhile(leadership)

    for _ in range(2):  # sees that a client waits; then, that no event was processed
        leadership.monitor(5.0)

    thread.join(5)
    assert epochs == [leadership.epoch] != [epoch]


def test_a_slow_leader_keeps_the_role_while_no_client_waits(leadership):
    epoch = leadership.acquire()
    leadership.after_wait()

    for _ in range(3):
        leadership.monitor(0.01)

    assert leadership.epoch == epoch


def test_a_leader_that_makes_progress_keeps_the_role(leadership, event):
    epoch = leadership.acquire()
    leadership.after_wait()
    event.notify()

    for _ in range(5):
        leadership.monitor(5.0)
        process(leadership)

    assert leadership.epoch == epoch


def test_a_leader_that_waits_keeps_the_role(leadership, event):
    epoch = leadership.acquire()
    leadership.after_wait()
    event.notify()
    leadership.monitor(5.0)
    leadership.before_wait()

    for _ in range(3):
        leadership.monitor(0.01)

    assert leadership.epoch == epoch


def test_the_monitor_sleeps_when_there_is_nothing_to_do_and_wakes_again(leadership, event):
    epoch = leadership.acquire()
    leadership.after_wait()
    event.notify()
    for _ in range(2):
        leadership.monitor(5.0)
        process(leadership)
        leadership.before_wait()

    leadership.after_wait()
    for _ in range(2):
        leadership.monitor(5.0)

    assert leadership.epoch != epoch


def test_a_former_leader_is_given_no_more_events(leadership):
    leadership.events.extend((number, READABLE) for number in range(3))
    events = leadership.dispatch(leadership.acquire())

    assert next(events) == (0, READABLE)
    leadership.release(leadership.epoch)

    assert list(events) == []
    assert [event for event, _ in leadership.dispatch(leadership.acquire())] == [1, 2]


def process_one(leadership, clock, took):
    """Whether a follower could lead while an event was processed for so many seconds."""
    leadership.events.append((1, READABLE))
    epoch = leadership.acquire()
    for _ in leadership.dispatch(epoch):
        is_shared = leadership.epoch != epoch
        clock.now += took
    leadership.release(epoch)
    return is_shared


def test_the_role_is_shared_while_more_than_one_in_nine_is_slow(leadership, clock):
    assert not process_one(leadership, clock, 0.005)
    for number in range(100):
        assert process_one(leadership, clock, 0.005 if number % 7 == 0 else 0.0)

    for _ in range(64):
        process_one(leadership, clock, 0.0)

    assert not process_one(leadership, clock, 0.0)


def test_one_slow_request_shares_the_role_for_eight(leadership, clock):
    process_one(leadership, clock, 0.005)

    assert [process_one(leadership, clock, 0.0) for _ in range(10)] == [True] * 8 + [False] * 2
