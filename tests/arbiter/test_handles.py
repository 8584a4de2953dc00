"""What the arbiter knows of a worker, and which state may follow which."""

import os
import signal

import pytest
from support.fake_arbiter import serving

from hookserve.arbiter import handles
from hookserve.worker.signals import DUMP_SIGNAL


@pytest.mark.parametrize("state", [handles.DRAINING, handles.ABORTING, handles.GONE])
def test_only_a_worker_that_serves_is_retired(state):
    with serving(workers=1) as server:
        handle = server.handle(0)
        handle.state = state

        handle.retire(server.clock.now, 5)

        assert handle.state == state
        assert server.processes.sent_to(handle.pid) == []


def test_a_worker_gets_the_message_that_it_is_retired_before_the_signal():
    with serving(workers=1) as server:
        handle = server.handle(0)
        sent = []
        handle.send = lambda kind, text="": sent.append(
            (kind, server.processes.sent_to(handle.pid))
        )

        handle.retire(server.clock.now, 5)

        assert sent == [("retire", [])]
        assert server.processes.sent_to(handle.pid) == ["SIGTERM"]


def test_a_worker_that_is_aborted_stays_so_when_the_server_stops_now():
    with serving(workers=1) as server:
        handle = server.handle(0)
        handle.state = handles.ABORTING

        handle.stop_now(server.clock.now, 2)

        assert handle.state == handles.ABORTING
        assert handle.drain_deadline == server.clock.now + 2


def test_a_signal_to_a_worker_that_is_not_forked_is_not_sent():
    with serving(workers=1) as server:
        handle = server.handle(0)
        handle.pid = None

        handle.signal(15)

        assert server.processes.signals == []


def test_the_table_finds_workers_by_their_index_oldest_first():
    with serving(workers=2) as server:
        old = server.handle(1)
        server.arbiter.recycle(old, "a test")
        server.turn()
        table = server.arbiter.worker_table

        assert [each is old for each in table.at(1)] == [True, False]
        old.state = handles.DRAINING
        assert old not in table.at(1)
        assert len(table) == 3


def test_stacks_are_asked_for_in_a_file_that_is_emptied_before():
    with serving(workers=1) as server:
        handle = server.handle(0)
        os.write(handle.dump_fd, b"what was dumped before")

        descriptor = handle.request_stacks()
        os.write(descriptor, b"stacks")

        assert handle.dumped_stacks() == "stacks"
        assert server.processes.sent_to(handle.pid) == [signal.Signals(DUMP_SIGNAL).name]
