"""The most important faults, in short: no request is lost.  ``make chaos`` is the long form."""

import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial

import pytest

from tests.chaos import cells, faults, report
from tests.chaos.driver import Driver, Outcome

REQUESTS = 2000
SHORT = {
    "HUP x10": partial(faults.reload_ten_times, count=2),
    "max_requests=200": partial(faults.recycle_by_requests, count=4),
    "kill -9 x5": partial(faults.kill_workers, count=1),
    "USR2": None,
    "TERM": None,
}


@pytest.mark.parametrize("fault", SHORT)
@pytest.mark.parametrize("model", ["sync", "gthread", "gevent", "asgi"])
def test_no_request_is_lost(model, fault):
    cell = cells.run(model, fault, REQUESTS, SHORT[fault], import_time=0.02)

    assert not cell.problem, cell.log
    assert not cell.lost_unheld, (cell.outcome.counts, cell.log)
    assert cell.outcome.answered >= REQUESTS


def test_room_is_found_again_when_all_places_are_taken():
    short = partial(faults.reload_ten_times, count=1)
    cell = cells.run("gthread", "6 places a worker", REQUESTS, short, import_time=0.02)

    assert not cell.problem, cell.log
    assert cell.outcome.failures == 0, cell.outcome.counts
    assert cell.outcome.gap < 5


# A client that counts nothing would make every cell good: each kind of failure is met here.

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def server_that_sends(reply, delay=0.0):
    """Answers each connection's first request so, and closes."""

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(1000)
                time.sleep(delay)
                connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", "closed unanswered"),
        (GOOD[:-1], "short"),
        (GOOD + b"!", "too long"),
        (GOOD.replace(b"200 OK", b"503 No"), "status 503"),
    ],
)
def test_the_client_counts_what_is_wrong_with_a_response(reply, kind):
    with server_that_sends(reply) as address, Driver(address, 0, 1, 100.0) as load:
        load.wait_for_failures(1)
        outcome = load.finish()

    assert outcome.answered == 0
    assert outcome.counts == {f"{kind} (fresh)": outcome.failures}
    assert outcome.failures


def test_the_client_says_which_connection_has_failed():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        with Driver(listening.getsockname(), 0, 1, 100.0) as load:
            accepted, (_, port) = listening.accept()
            accepted.close()
            load.wait_for_failures(1)
            outcome = load.finish()

    assert outcome.failed[0][3] == port


def test_a_client_that_starts_late_is_waited_for():
    """Beside load the interpreter alone may take half a second."""
    late = ("sh", "-c", 'sleep 0.5; exec "$@"', "sh")
    with server_that_sends(b"") as address, Driver(address, 0, 1, 100.0, late) as load:
        load.wait_for_failures(1)
        outcome = load.finish()

    assert outcome.failures


@pytest.mark.serial
def test_the_client_counts_refused_connections_until_the_server_ends(free_port):
    with Driver(("127.0.0.1", free_port), 1, 1, 100.0) as load:
        load.wait_for_failures(2)  # one of each kind
        load.announce_stop()
        outcome = load.finish(is_stopped=True)

    assert set(outcome.counts) == {"ECONNREFUSED (kept)", "ECONNREFUSED (fresh)"}
    assert outcome.refused_at_end == 2


@pytest.mark.serial
def test_a_kept_connection_that_is_closed_while_idle_is_no_failure_and_counted():
    with server_that_sends(GOOD) as address, Driver(address, 1, 0, 20.0) as load:
        load.wait_for(3)
        outcome = load.finish()

    assert outcome.failures == 0
    assert 0 < outcome.answered <= outcome.idle_closes + 1


def test_the_longest_gap_is_measured():
    with server_that_sends(GOOD, delay=0.2) as address, Driver(address, 0, 1, 100.0) as load:
        load.wait_for(3)
        outcome = load.finish()

    assert 0.15 < outcome.gap < 2


def outcome_with(lost=(), **values):
    """With a request lost on a connection of each of these ports."""
    nothing = {
        "answered": 10,
        "failures": len(lost),
        "counts": {},
        "failed": [("ECONNRESET", 0.0, "kept", port) for port in lost],
        "gap": 0.01,
        "gap_at": 0.0,
        "idle_closes": 0,
        "refused_at_end": 0,
        "hiccup": 0.0,
        "seconds": 1.0,
    }
    return Outcome(**{**nothing, **values})


@pytest.mark.parametrize(
    ("fault", "outcome", "held", "is_good"),
    [
        ("TERM", outcome_with(), [], True),
        ("TERM", outcome_with([1]), [], False),
        ("kill -9 x5", outcome_with([1, 2, 2], gap=0.5), [1, 2, 2, 3], True),
        ("kill -9 x5", outcome_with([1, 2, 3, 4]), [1, 2, 3], False),
        ("kill -9 x5", outcome_with([4]), [1, 2, 3], False),  # as many, but another connection
        ("kill -9 x5", outcome_with([1, 1]), [1, 2], False),
        ("HUP x10", outcome_with(gap=0.3), [], False),
    ],
)
def test_the_verdict_and_the_row_agree(fault, outcome, held, is_good):
    cell = cells.Cell("sync", fault, outcome, Counter(held), 0.1, "", "")

    assert (not cell.verdict) == is_good
    assert report.row(cell).endswith("good") == is_good
    assert ("**" in report.markdown([cell], 1.0)) != is_good
