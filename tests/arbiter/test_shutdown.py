"""The shutdown, with children that are never forked."""

import pytest
from support.fake_arbiter import make_assembly, serving

from hookserve.arbiter.handles import DRAINING, READY


def test_term_drains_the_workers_and_closes_the_listeners():
    with serving(workers=2, graceful_timeout=7) as server:
        arbiter = server.arbiter
        (listener,) = arbiter.listeners

        arbiter.stop()

        assert arbiter.is_stopping
        assert listener.refuses_new_connections
        assert listener.is_closed
        for handle in arbiter.worker_table:
            assert handle.state == DRAINING
            assert handle.drain_deadline == server.clock.now + 7
            assert server.processes.sent_to(handle.pid) == ["SIGTERM"]
        assert server.recorder.named("on_stopping") == [()]


def test_during_the_drain_delay_connections_are_still_accepted():
    with serving(workers=1, drain_delay=5) as server:
        arbiter = server.arbiter
        (listener,) = arbiter.listeners

        arbiter.stop()
        server.turn(seconds=4)
        assert not arbiter.is_stopping
        assert not listener.refuses_new_connections
        assert server.recorder.named("on_drain_delay") == [()]

        server.turn(seconds=1)
        assert arbiter.is_stopping
        assert listener.refuses_new_connections


def test_a_second_term_ends_the_drain_delay():
    with serving(workers=1, drain_delay=60) as server:
        server.arbiter.stop()
        server.arbiter.stop()

        assert server.arbiter.is_stopping


def test_int_ends_the_drain_delay():
    with serving(workers=1, drain_delay=60, quick_timeout=2) as server:
        server.arbiter.stop()
        server.arbiter.shutdown.shutdown_now("SIGINT")
        (handle,) = server.arbiter.worker_table

        assert server.arbiter.is_stopping
        assert handle.drain_deadline == server.clock.now + 2


def test_the_drain_delay_is_seen_by_processes_that_are_forked_in_it():
    with serving(workers=1, drain_delay=60) as server:
        assert not server.arbiter.is_draining
        server.arbiter.stop()
        (handle,) = server.arbiter.worker_table

        assert server.arbiter.is_draining
        assert handle.scoreboard.is_draining
        assert not handle.scoreboard.is_stopping


@pytest.mark.parametrize("asks", ["reload", "upgrade"])
def test_nothing_new_begins_in_the_drain_delay(asks):
    with serving(workers=1, drain_delay=60) as server:
        arbiter = server.arbiter
        server.next_assembly = make_assembly(server.recorder)
        arbiter.stop()
        arbiter.reload() if asks == "reload" else arbiter.upgrade.begin()

        assert arbiter.generation == 1
        assert arbiter.upgrade.successor is None


def test_there_is_no_drain_delay_where_another_arbiter_serves_at_the_addresses():
    """Load balancers have nothing to notice: an upgrade is complete."""
    with serving(workers=1, drain_delay=60) as server:
        arbiter = server.arbiter
        arbiter.upgrade.begin()
        arbiter.upgrade.successor_serves = True
        arbiter.stop()

        assert arbiter.is_stopping
        assert server.recorder.named("on_drain_delay") == []


def test_int_stops_at_once():
    with serving(workers=1, quick_timeout=2) as server:
        server.arbiter.shutdown.shutdown_now("SIGINT")
        handle = next(iter(server.arbiter.worker_table))

        assert server.processes.sent_to(handle.pid) == ["SIGQUIT"]
        assert handle.drain_deadline == server.clock.now + 2


def test_workers_accept_until_no_handshake_is_under_way():
    """They would close a queue into which a connection is still to come."""
    with serving(workers=1, graceful_timeout=7) as server:
        arbiter = server.arbiter
        (listener,) = arbiter.listeners
        (handle,) = arbiter.worker_table
        listener.shakes_hands = True

        arbiter.stop()
        server.turn(seconds=0.1)
        assert arbiter.is_stopping
        assert listener.refuses_new_connections
        assert handle.state == READY
        assert not arbiter.shutdown.is_overdue()
        assert arbiter.shutdown.due(server.clock.now) is None
        assert server.recorder.named("on_stopping") == [()]

        listener.shakes_hands = False
        server.turn(seconds=0.1)
        assert handle.state == DRAINING
        assert handle.drain_deadline == server.clock.now + 7
        assert server.recorder.named("on_stopping") == [()]
        assert listener.is_closed


def test_int_waits_for_no_handshake():
    with serving(workers=1) as server:
        server.arbiter.listeners[0].shakes_hands = True

        server.arbiter.shutdown.shutdown_now("SIGINT")

        assert [each.state for each in server.arbiter.worker_table] == [DRAINING]


def test_int_during_a_graceful_stop_shortens_it():
    with serving(workers=1, graceful_timeout=60, quick_timeout=2) as server:
        server.arbiter.stop()
        server.arbiter.shutdown.shutdown_now("SIGINT")
        handle = next(iter(server.arbiter.worker_table))

        assert handle.drain_deadline == server.clock.now + 2
        assert server.recorder.named("on_stopping") == [()]


def test_no_worker_is_forked_while_the_server_stops():
    with serving(workers=1) as server:
        server.arbiter.stop()
        server.end(next(iter(server.arbiter.worker_table)))

        assert len(server.arbiter.worker_table) == 0


def test_a_process_that_cannot_be_killed_does_not_hold_up_the_end():
    with serving(workers=1, graceful_timeout=1, abort_timeout=1) as server:
        server.arbiter.stop()
        assert not server.arbiter.shutdown.is_overdue()

        server.clock.now += 8

        assert server.arbiter.shutdown.is_overdue()
