"""The log of slow requests, with workers that are never forked."""

import os

import pytest
from support.fake_arbiter import serving


def begin(server, handle, number=0, label=b"GET /slow"):
    request_slot = handle.slot.request_slot(number)
    request_slot.begin(server.clock.now, label)
    return request_slot


def dump(handle, text):
    os.write(handle.dump_fd, text.encode())


def begin_two(server):
    """The handle of a worker, and its second request: that is slow an eighth of a second after the
    first, which is slow now."""
    handle = server.handle(0)
    begin(server, handle, 0)
    server.turn(seconds=0.125)
    second = begin(server, handle, 1, b"GET /second")
    server.turn(seconds=4.875)
    return handle, second


def slow_lines(caplog):
    return [each.getMessage() for each in caplog.records if "slow request" in each.getMessage()]


def test_a_slow_request_is_logged_once_with_its_own_stack(caplog):
    with serving(workers=1, slow_request=5, threads=4, worker_class="gthread") as server:
        handle = server.handle(0)
        begin(server, handle, 0)
        server.turn(seconds=2)
        begin(server, handle, 1, b"GET /quick")
        server.turn(seconds=3)
        assert server.processes.sent_to(handle.pid) != []
        dump(handle, "Thread 1\n\x1e0\nFile of the slow one\n\x1e1\nFile of another\n")
        server.turn(seconds=0.3)

        (line,) = slow_lines(caplog)
        assert line.startswith("slow request of worker 0")
        assert "GET /slow (5.0 s)\n  File of the slow one" in line
        assert "another" not in line
        sent = len(server.processes.sent_to(handle.pid))
        server.turn(seconds=1)
        assert len(server.processes.sent_to(handle.pid)) == sent


def test_the_next_request_in_the_same_slot_is_reported_too(caplog):
    with serving(workers=1, slow_request=5) as server:
        handle = server.handle(0)
        for text in ("first", "second"):
            request_slot = begin(server, handle)
            server.turn(seconds=5)
            dump(handle, f"\x1e0\nFile {text}\n")
            server.turn(seconds=0.3)
            request_slot.end(server.clock.now, 2, 0)

        first, second = slow_lines(caplog)
        assert "File first" in first
        assert "File second" in second
        assert "File first" not in second


def test_a_worker_that_says_nothing_of_its_requests_has_its_threads_shown(caplog):
    """Code in C that holds the interpreter lets no handler in Python run."""
    with serving(workers=1, slow_request=5) as server:
        handle = server.handle(0)
        begin(server, handle)
        server.turn(seconds=5)
        dump(handle, "Current thread:\n  File of the extension\n")
        server.turn(seconds=0.3)

        assert "File of the extension" in slow_lines(caplog)[0]


def test_what_the_worker_has_dumped_for_another_is_not_the_stack_of_a_request(caplog):
    with serving(workers=1, slow_request=5) as server:
        handle = server.handle(0)
        begin(server, handle)
        dump(handle, "Current thread:\n  File of ctl stacks\n")
        server.turn(seconds=5)
        server.turn(seconds=0.3)

        assert "(it wrote none)" in slow_lines(caplog)[0]


def test_a_request_is_found_slow_at_the_moment_it_is():
    with serving(workers=1, slow_request=5, timeout=0) as server:
        part, now = server.arbiter.slow_requests, server.clock.now
        assert part.due(now) == now + 5
        begin(server, server.handle(0))
        server.turn(seconds=2)

        assert part.due(server.clock.now) == now + 5


def test_a_worker_that_is_being_ended_has_the_report_of_that(caplog):
    with serving(workers=1, slow_request=5, request_timeout=5) as server:
        handle = server.handle(0)
        begin(server, handle)
        server.turn(seconds=5)
        server.turn(seconds=0.3)

        assert handle.escalation is not None
        assert slow_lines(caplog) == []


THREADS = {"workers": 1, "threads": 4, "worker_class": "gthread", "slow_request": 5}


def test_a_request_that_ended_before_its_worker_is_ended_for_another_is_logged(caplog):
    with serving(**THREADS, request_timeout=5.2) as server:
        handle = server.handle(0)
        slow = begin(server, handle, 0)
        server.turn(seconds=0.0625)
        begin(server, handle, 1, b"GET /stuck")
        server.turn(seconds=4.9375)
        slow.end(server.clock.now, 2, 0)
        server.turn(seconds=0.2625)
        dump(handle, "\x1e1\nFile of the stuck one\n")
        server.turn(seconds=0.0375)

        assert handle.escalation is not None
        (line,) = slow_lines(caplog)
        assert line.endswith("GET /slow (5.0 s)\n  (no stack: its worker is being ended)")
        assert "File of the stuck one" in handle.dumped_stacks()


def test_what_becomes_slow_while_the_worker_writes_is_asked_for_afterwards(caplog):
    with serving(**THREADS) as server:
        handle, _ = begin_two(server)
        dump(handle, "\x1e0\nFile of the first\n")
        server.turn(seconds=0.125)
        server.turn(seconds=0.1875)
        dump(handle, "\x1e1\nFile of the second\n")
        server.turn(seconds=0.5)

        first, second = slow_lines(caplog)
        assert first.endswith("GET /slow (5.0 s)\n  File of the first")
        assert second.endswith("GET /second (5.2 s)\n  File of the second")


def test_what_becomes_slow_and_ends_while_the_worker_writes_is_logged_without_a_stack(caplog):
    with serving(**THREADS, timeout=0) as server:
        handle, second = begin_two(server)
        part = server.arbiter.slow_requests
        dump(handle, "\x1e0\nFile of the first\n")
        assert part.due(server.clock.now) == server.clock.now + 0.125
        server.turn(seconds=0.125)
        assert part.due(server.clock.now) > server.clock.now
        second.end(server.clock.now, 2, 0)
        server.turn(seconds=0.1875)
        server.turn(seconds=0.5)

        assert slow_lines(caplog)[1].endswith(
            "GET /second (5.0 s)\n  (no stack: it ended while the worker wrote another)"
        )
        assert len(slow_lines(caplog)) == 2


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1e0\nFile of the slow one\n", "File of the slow one"),
        ("", "(no stack: its worker ended first)"),
    ],
)
def test_a_slow_request_is_logged_where_its_worker_ends_at_once(caplog, written, shown):
    with serving(workers=1, slow_request=5) as server:
        handle = server.handle(0)
        request_slot = begin(server, handle)
        server.turn(seconds=5)
        dump(handle, written)
        request_slot.end(server.clock.now, 2, 0)
        server.end(handle)
        server.turn(seconds=0.3)

        (line,) = slow_lines(caplog)
        assert line == (
            f"slow request of worker 0 (pid {handle.pid}): GET /slow (5.0 s)\n  {shown}"
        )


def test_what_became_slow_while_a_worker_wrote_that_has_ended_is_logged_too(caplog):
    with serving(**THREADS) as server:
        handle, _ = begin_two(server)
        server.turn(seconds=0.125)
        server.end(handle, status=9)

        first, second = slow_lines(caplog)
        assert "GET /slow" in first
        assert "GET /second" in second


def test_before_another_arbiter_goes_on_what_ended_is_logged_and_what_runs_is_not(caplog):
    with serving(**THREADS) as server:
        handle = server.handle(0)
        begin(server, handle, 0, b"GET /still")
        ended = begin(server, handle, 1, b"GET /ended")
        server.turn(seconds=5)
        dump(handle, "\x1e0\nFile of one\n\x1e1\nFile of the other\n")
        ended.end(server.clock.now, 2, 0)

        for _ in range(2):  # exec(2) has failed in between
            server.arbiter.slow_requests.report_ended()

        (line,) = slow_lines(caplog)
        assert line.endswith("GET /ended (5.0 s)\n  File of the other")


def test_where_no_other_arbiter_goes_on_what_runs_is_logged_with_its_stack(caplog):
    with serving(**THREADS) as server:
        handle = server.handle(0)
        begin(server, handle, 0, b"GET /still")
        ended = begin(server, handle, 1, b"GET /ended")
        server.turn(seconds=5)
        dump(handle, "\x1e0\nFile of one\n\x1e1\nFile of the other\n")
        ended.end(server.clock.now, 2, 0)
        server.arbiter.slow_requests.report_ended()

        server.turn(seconds=0.3)

        _, line = slow_lines(caplog)
        assert line.endswith("GET /still (5.0 s)\n  File of one")


def test_a_worker_that_is_gone_is_forgotten():
    with serving(workers=1, slow_request=5) as server:
        handle = server.handle(0)
        begin(server, handle)
        server.turn(seconds=5)
        server.end(handle)
        part = server.arbiter.slow_requests

        assert handle not in part._reported
        assert handle not in part._dumps


def test_without_the_setting_nothing_is_due():
    with serving(workers=1) as server:
        begin(server, server.handle(0))

        assert server.arbiter.slow_requests.due(server.clock.now) is None


def quiet(server):
    """Let it find that its workers have no request."""
    server.turn(seconds=5)
    server.turn(seconds=5)


def test_the_arbiter_is_not_woken_for_a_worker_without_a_request():
    with serving(workers=1, slow_request=5, timeout=0) as server:
        quiet(server)

        assert server.arbiter.slow_requests.due(server.clock.now) is None
        assert server.handle(0).slot.awaited


def test_a_request_that_begins_after_a_quiet_time_is_found_slow_at_the_moment_it_is():
    with serving(workers=1, slow_request=5, timeout=0) as server:
        quiet(server)
        part, now = server.arbiter.slow_requests, server.clock.now
        begin(server, server.handle(0))
        server.handle(0).slot.awaited = 0  # as the worker does, and sends `begun`
        server.turn()

        assert part.due(now) == now + 5


def test_a_worker_with_short_requests_is_not_awaited_at_once_so_that_it_sends_few_messages():
    with serving(workers=1, slow_request=0.1, timeout=0) as server:
        handle = server.handle(0)
        quiet(server)
        begin(server, handle).end(server.clock.now, 2, 0)
        handle.slot.awaited = 0
        for _ in range(9):
            server.turn(seconds=0.1)
            assert not handle.slot.awaited
            assert server.arbiter.slow_requests.due(server.clock.now) == server.clock.now + 0.1
        server.turn(seconds=0.2)

        assert handle.slot.awaited


def test_the_arbiter_is_not_woken_for_a_request_that_was_reported_and_runs_on():
    with serving(workers=1, slow_request=5, timeout=0) as server:
        begin(server, server.handle(0))
        server.turn(seconds=5)
        server.turn(seconds=0.3)
        quiet(server)

        assert server.arbiter.slow_requests.due(server.clock.now) is None
