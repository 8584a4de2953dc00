"""The lead among the threads of a pool."""

import threading

import pytest
from hookserve_gthread.lead import Lead

from hookserve.reactor.poller import READABLE, make_poller
from hookserve.worker.wakeup import Wakeup


@pytest.fixture
def event():
    return Wakeup()


@pytest.fixture
def lead(event):
    events = make_poller()
    events.register(event.fileno(), READABLE)
    lead = Lead(Wakeup().fileno(), events.fileno())
    yield lead
    events.close()


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("hookserve_gthread.lead.monotonic", clock)
    return clock


def deal_with(lead, count=1):
    """The leader deals with so many events, while it is the leader."""
    lead.events.extend([(1, READABLE)] * count)
    for _ in lead.hand_out(lead.term):
        pass


def taken_meanwhile(lead):
    """A thread that waits for the lead, and the terms it has had."""
    terms = []
    thread = threading.Thread(target=lambda: terms.append(lead.take()))
    thread.start()
    return thread, terms


def test_one_leads_until_it_gives_up(lead):
    term = lead.take()
    thread, terms = taken_meanwhile(lead)
    assert lead.term == term

    lead.give_up(term)

    thread.join(5)
    assert terms == [lead.term] != [term]


def test_who_has_lost_the_lead_cannot_give_it_up_again(lead):
    first = lead.take()
    lead.give_up(first)
    lead.give_up(first)
    second = lead.take()

    lead.give_up(first)

    assert lead.term == second


def test_who_takes_long_while_others_wait_loses_the_lead(lead, event):
    term = lead.take()
    lead.serve()
    event.notify()
    thread, terms = taken_meanwhile(lead)

    for _ in range(2):  # sees that somebody waits; then, that nothing has been done for them
        lead.watch(5.0)

    thread.join(5)
    assert terms == [lead.term] != [term]


def test_who_takes_long_keeps_the_lead_while_nobody_waits(lead):
    term = lead.take()
    lead.serve()

    for _ in range(3):
        lead.watch(0.01)

    assert lead.term == term


def test_who_makes_progress_keeps_the_lead(lead, event):
    term = lead.take()
    lead.serve()
    event.notify()

    for _ in range(5):
        lead.watch(5.0)
        deal_with(lead)

    assert lead.term == term


def test_a_leader_that_waits_is_left_alone(lead, event):
    term = lead.take()
    lead.serve()
    event.notify()
    lead.watch(5.0)
    lead.rest()

    for _ in range(3):
        lead.watch(0.01)

    assert lead.term == term


def test_the_watch_ends_when_there_is_nothing_to_do_and_begins_again(lead, event):
    term = lead.take()
    lead.serve()
    event.notify()
    for _ in range(2):
        lead.watch(5.0)
        deal_with(lead)
        lead.rest()

    lead.serve()
    for _ in range(2):
        lead.watch(5.0)

    assert lead.term != term


def test_who_has_lost_the_lead_is_given_no_more(lead):
    lead.events.extend((number, READABLE) for number in range(3))
    events = lead.hand_out(lead.take())

    assert next(events) == (0, READABLE)
    lead.give_up(lead.term)

    assert list(events) == []
    assert [event for event, _ in lead.hand_out(lead.take())] == [1, 2]


def deal(lead, clock, took):
    """Whether somebody else could lead while an event was dealt with in so many seconds."""
    lead.events.append((1, READABLE))
    term = lead.take()
    for _ in lead.hand_out(term):
        is_shared = lead.term != term
        clock.now += took
    lead.give_up(term)
    return is_shared


def test_the_lead_is_shared_while_more_than_one_in_nine_is_slow(lead, clock):
    assert not deal(lead, clock, 0.005)
    for number in range(100):
        assert deal(lead, clock, 0.005 if number % 7 == 0 else 0.0)

    for _ in range(64):
        deal(lead, clock, 0.0)

    assert not deal(lead, clock, 0.0)


def test_one_slow_request_shares_the_lead_for_eight(lead, clock):
    deal(lead, clock, 0.005)

    assert [deal(lead, clock, 0.0) for _ in range(10)] == [True] * 8 + [False] * 2
