"""Retired listeners, with listeners that have no socket."""

from support.fake_arbiter import FakeListener, serving


def test_an_empty_listener_is_ended_at_once():
    with serving() as server:
        (listener,) = server.arbiter.listeners

        server.arbiter.retirement.retire([listener])

        assert listener.refuses_new_connections
        assert listener.is_closed
        assert server.arbiter.retirement.due(server.clock.now) is None


def test_a_listener_is_kept_until_its_queue_is_empty():
    with serving() as server:
        (listener,) = server.arbiter.listeners
        listener.queue = 2
        retirement = server.arbiter.retirement

        retirement.retire([listener])
        due = retirement.due(server.clock.now)
        assert server.clock.now < due < server.clock.now + 0.1
        server.turn(seconds=1)
        assert not listener.is_closed

        listener.queue = 0
        server.turn(seconds=1)
        assert listener.is_closed
        assert retirement.due(server.clock.now) is None


def test_a_listener_that_was_closed_meanwhile_is_forgotten():
    with serving() as server:
        (listener,) = server.arbiter.listeners
        listener.queue = 1
        server.arbiter.retirement.retire([listener])

        listener.close()
        server.turn(seconds=1)

        assert server.arbiter.retirement.due(server.clock.now) is None


def test_a_listener_is_retired_once():
    with serving() as server:
        (listener,) = server.arbiter.listeners
        listener.queue = 1

        for _ in range(2):
            server.arbiter.retirement.retire([listener])
        listener.queue = 0
        server.turn(seconds=1)

        assert server.arbiter.retirement.due(server.clock.now) is None


def test_handshakes_are_waited_for_and_not_for_ever():
    with serving() as server:
        (listener,) = server.arbiter.listeners
        listener.shakes_hands = True
        retirement = server.arbiter.retirement

        retirement.retire([listener])
        server.turn(seconds=1)
        assert retirement.has_handshake(server.clock.now)
        assert not listener.is_closed

        server.turn(seconds=1)
        assert not retirement.has_handshake(server.clock.now)
        assert listener.is_closed


def test_no_listener_is_ended_while_another_has_a_handshake():
    """The workers accept from all of them until then, and an ended one would wake them for ever."""
    with serving() as server:
        (listener,) = server.arbiter.listeners
        other = FakeListener("127.0.0.1:9000")
        other.shakes_hands = True

        server.arbiter.retirement.retire([listener, other])
        assert not listener.is_closed

        other.shakes_hands = False
        server.turn(seconds=1)
        assert listener.is_closed
        assert other.is_closed
