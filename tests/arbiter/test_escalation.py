"""How a worker that missed a deadline is ended, with children that are never forked."""

import os
import re

import pytest
from support.fake_arbiter import serving

from hookserve import hookimpl
from hookserve.arbiter.handles import ABORTING, DRAINING


class Log:
    """Keeps access records."""

    def __init__(self):
        self.records = []

    @hookimpl
    def log_access(self, record):
        self.records.append(record)


def hang(server, handle, label="GET /slow", number=0):
    name = b"id-%d" % number
    handle.slot.request_slot(number).begin(server.clock.now + number, label.encode(), name)


def test_a_silent_worker_is_reported_dumped_aborted_and_killed():
    with serving(workers=1, timeout=30, abort_timeout=2) as server:
        handle = server.handle(0)

        server.turn(seconds=30)
        assert handle.state == ABORTING
        assert handle.escalation.fault == "silent for 30.0 s"
        server.turn(seconds=0.3)
        server.turn(seconds=2)

        names = server.processes.sent_to(handle.pid)
        assert names[1:] == ["SIGABRT", "SIGKILL"]
        assert server.recorder.named("worker_timeout") == [(0,)]


def test_the_report_has_no_stacks_that_the_worker_has_dumped_before(caplog):
    with serving(workers=1, timeout=30) as server:
        handle = server.handle(0)
        os.write(handle.dump_fd, b"of ctl stacks")

        server.turn(seconds=30)
        os.write(handle.dump_fd, b"of the report")
        server.turn(seconds=0.3)

        assert "of the report" in caplog.text
        assert "of ctl stacks" not in caplog.text


def test_each_step_has_a_moment_of_its_own():
    with serving(workers=1, timeout=30, abort_timeout=2) as server:
        handle = server.handle(0)
        server.turn(seconds=30)

        assert server.arbiter.escalator.due(server.clock.now) == server.clock.now + 0.3
        server.turn(seconds=0.1)
        assert len(server.processes.sent_to(handle.pid)) == 1


def test_a_draining_worker_stays_draining():
    with serving(workers=1, graceful_timeout=5) as server:
        server.arbiter.stop()
        handle = next(iter(server.arbiter.worker_table))

        server.turn(seconds=5)

        assert handle.state == DRAINING
        assert handle.escalation.fault == "did not finish its requests in time"


def test_a_request_that_is_lost_with_its_worker_has_an_access_record():
    log = Log()
    with serving(workers=1, plugins=[log]) as server:
        handle = server.handle(0)
        hang(server, handle)

        server.end(handle, status=9)

        (record,) = log.records
        assert record.status_code == 0
        assert record.environ["REQUEST_METHOD"] == "GET"
        assert record.environ["PATH_INFO"] == "/slow"
        assert record.reason == "killed (SIGKILL)"


def test_the_log_names_five_requests_that_a_killed_worker_held_and_counts_the_others(caplog):
    with serving(workers=1, worker_class="gthread", threads=8) as server:
        handle = server.handle(0)
        for number in range(7):
            hang(server, handle, number=number)  # a second after the one before

        server.end(handle, status=9)

        (lost,) = [line for line in caplog.messages if line.startswith("lost with")]
        named = ", ".join(f"GET /slow [id-{number}]" for number in range(5))
        assert re.sub(r" \([0-9.]+ s\)", "", lost) == f"lost with {handle}: {named} and 2 more"
        assert server.arbiter.stats()["lost"] == 7


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, []),
        (2, ["1 connection without a request that had begun"]),
        (4, ["3 connections without a request that had begun"]),
    ],
)
def test_the_log_has_connections_of_a_killed_worker_whose_requests_had_not_begun(
    caplog, count, expected
):
    with serving(workers=1, worker_class="gthread", threads=8) as server:
        handle = server.handle(0)
        hang(server, handle)
        handle.slot.open_connections = count

        server.end(handle, status=9)

        closed = [line for line in caplog.messages if line.startswith("closed with")]
        assert closed == [f"closed with {handle}: {each}" for each in expected]


def test_an_arbiter_that_was_late_ignores_the_silence_before():
    with serving(workers=1, timeout=30) as server:
        server.handle(0).ignore_silence_before = server.clock.now + 29

        server.turn(seconds=30)

        assert server.handle(0).escalation is None
