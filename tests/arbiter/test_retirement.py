"""Retired listeners, with listeners that have no socket."""

import pytest
from support.fake_arbiter import FakeClock, FakeListener

from hookserve.arbiter.retirement import Retirement


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def retirement(clock):
    return Retirement(clock)


@pytest.fixture
def listener():
    return FakeListener("127.0.0.1:8000")


def pass_time(retirement, clock, seconds):
    clock.now += seconds
    retirement.step(clock.now)


def test_an_empty_listener_is_ended_at_once(retirement, clock, listener):
    retirement.retire([listener])

    assert listener.refuses_new_connections
    assert listener.is_closed
    assert retirement.due(clock.now) is None


def test_a_listener_is_kept_until_its_queue_is_empty(retirement, clock, listener):
    listener.queue = 2

    retirement.retire([listener])
    due = retirement.due(clock.now)
    assert clock.now < due < clock.now + 0.1
    pass_time(retirement, clock, 1)
    assert not listener.is_closed

    listener.queue = 0
    pass_time(retirement, clock, 1)
    assert listener.is_closed
    assert retirement.due(clock.now) is None


def test_a_listener_that_was_closed_meanwhile_is_forgotten(retirement, clock, listener):
    listener.queue = 1
    retirement.retire([listener])

    listener.close()
    pass_time(retirement, clock, 1)

    assert retirement.due(clock.now) is None


def test_a_listener_is_retired_once(retirement, clock, listener):
    listener.queue = 1

    for _ in range(2):
        retirement.retire([listener])
    listener.queue = 0
    pass_time(retirement, clock, 1)

    assert retirement.due(clock.now) is None


def test_handshakes_are_waited_for_and_not_for_ever(retirement, clock, listener):
    listener.shakes_hands = True

    retirement.retire([listener])
    pass_time(retirement, clock, 1)
    assert retirement.has_handshake(clock.now)
    assert not listener.is_closed

    pass_time(retirement, clock, 1)
    assert not retirement.has_handshake(clock.now)
    assert listener.is_closed


def test_no_listener_is_ended_while_another_has_a_handshake(retirement, clock, listener):
    """The workers accept from all of them until then, and an ended one would wake them for ever."""
    other = FakeListener("127.0.0.1:9000")
    other.shakes_hands = True

    retirement.retire([listener, other])
    assert not listener.is_closed

    other.shakes_hands = False
    pass_time(retirement, clock, 1)
    assert listener.is_closed
    assert other.is_closed
