"""What the end of a worker leads to, with children that are never forked."""

import logging
import os
import signal

import pytest
from support.fake_arbiter import FakeServer, serving

from hookserve.errors import BootError


def test_each_exit_is_reported_once_with_its_reason():
    with serving(workers=2) as server:
        server.end(server.handle(0), status=9)
        server.turn()

        assert server.recorder.named("child_exit") == [(0, "killed (SIGKILL)")]


def test_counters_of_workers_that_are_gone_are_kept():
    with serving(workers=1) as server:
        handle = server.handle(0)
        slot = handle.slot.request_slot(0)
        slot.begin(server.clock.now, b"GET /")
        slot.end(server.clock.now, 0, 10)

        server.end(handle, status=9)

        assert server.arbiter.stats()["requests"] == 1


def test_a_worker_that_was_asked_to_end_is_not_a_failure():
    with serving(workers=1) as server:
        old = server.handle(0)
        server.arbiter.recycle(old, "a test")
        server.turn()
        server.become_ready()

        server.end(old)

        assert server.recorder.named("child_exit") == [(0, "recycled (a test)")]
        assert server.arbiter.pool.due(server.clock.now) is None


def test_where_no_worker_can_boot_the_server_stops_with_the_reason():
    server = FakeServer(workers=2)
    for handle in tuple(server.arbiter.worker_table):
        server.end(handle, status=3 << 8, boot_error="SyntaxError: a slip")

    assert server.arbiter.is_stopping
    assert server.arbiter.first_generation_failed
    assert isinstance(server.arbiter._boot_failure, BootError)
    assert str(server.arbiter._boot_failure) == "SyntaxError: a slip"
    server.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_once_a_worker_was_ready_no_failure_stops_the_server(workers):
    with serving(workers=workers) as server:
        server.end(server.handle(0), status=9)
        server.end(server.handle(0), status=3 << 8, boot_error="OSError: gone")

        assert not server.arbiter.is_stopping


@pytest.mark.parametrize("settings", [{}, {"drain_delay": 5}])
@pytest.mark.parametrize("status", [0, signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_worker_that_ends_while_the_server_stops_is_not_an_error(caplog, settings, status):
    with serving(workers=1, **settings) as server:
        handle = server.handle(0)
        server.arbiter.shutdown.shutdown("SIGTERM")

        with caplog.at_level(logging.INFO):
            server.end(handle, status=status)

        (record,) = [each for each in caplog.records if "is gone" in each.getMessage()]
        assert record.levelname == "INFO"


@pytest.mark.parametrize("begun", [0, 1])
def test_a_worker_that_is_killed_with_a_request_while_the_server_stops_is_an_error(caplog, begun):
    with serving(workers=1) as server:
        handle = server.handle(0)
        handle.slot.request_slot(0).begin(server.clock.now, b"GET /lost")
        if not begun:
            handle.slot.request_slot(0).end(server.clock.now, 0, 10)
        server.arbiter.shutdown.shutdown("SIGTERM")

        with caplog.at_level(logging.INFO):
            server.end(handle, status=signal.SIGKILL)

        (record,) = [each for each in caplog.records if "is gone" in each.getMessage()]
        assert record.levelname == ("ERROR" if begun else "INFO")
        assert ("lost with" in caplog.text) == bool(begun)


def test_a_worker_that_crashes_while_the_server_stops_is_an_error(caplog):
    with serving(workers=1) as server:
        handle = server.handle(0)
        server.arbiter.shutdown.shutdown("SIGTERM")

        with caplog.at_level(logging.INFO):
            server.end(handle, status=signal.SIGSEGV)

        (record,) = [each for each in caplog.records if "is gone" in each.getMessage()]
        assert record.levelname == "ERROR"


def test_a_worker_that_the_same_interrupt_has_ended_is_not_an_error(caplog):
    with serving(workers=1) as server:
        server.processes.end(server.handle(0).pid)
        os.write(server.arbiter._inbox.descriptors()[1], bytes([signal.SIGCHLD, signal.SIGINT]))

        with caplog.at_level(logging.INFO):
            server.arbiter._process_signals()

        assert not [each for each in caplog.records if each.levelname == "ERROR"]


def test_the_reason_of_a_failed_boot_is_its_last_line_without_indentation():
    with serving(workers=1) as server:
        text = "cannot import app\n    Traceback\n  SyntaxError: a slip"
        server.end(server.handle(0), status=3 << 8, boot_error=text)

        (call,) = server.recorder.named("child_exit")
        assert call == (0, "boot failed (SyntaxError: a slip)")
