"""The attacks in short: a good client is answered.  ``make hostile`` is the long form."""

import socket
import threading
from contextlib import contextmanager

import pytest

from tests.hostile import report, scene
from tests.hostile.visitor import Visitor

SHORT = {
    "sync": ("slow heads", "pipelined", "slow bodies, unread"),
    "gthread": ("prefixes, silent", "tiny chunks"),
    "epoll": ("slow bodies", "one-byte writes"),
    "gevent": ("TLS", "headers", "lines"),
    "eventlet": ("noise",),
    "tornado": ("prefixes, closed", "blanks"),
    "asgi": ("slow bodies", "pipelined", "websocket, fragments"),
}
PAIRS = [(model, attack) for model, attacks in SHORT.items() for attack in attacks]


@pytest.mark.parametrize(("model", "attack"), PAIRS)
def test_a_good_client_is_answered_whatever_others_do(model, attack):
    result = scene.run(model, attack, 0.5)

    assert not result.problem, result.log
    assert result.percentile(0.5) < 1
    assert len(result.latencies) > 5
    assert result.details["outcomes"]["connections"]


# A visitor that counts nothing would make every attack harmless.


@contextmanager
def server_that_sends(*replies):
    """Answers its connections so, one after another, and closes each."""

    def serve():
        for reply in replies:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(reply)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()
        thread.join()


GOOD = b"HTTP/1.1 200 OK\r\n\r\nhello, world\n"


@pytest.mark.parametrize("reply", [b"", GOOD[:-1], GOOD.replace(b"200 OK", b"503 No")])
@pytest.mark.parametrize("is_kept", [False, True])
def test_the_visitor_counts_what_is_no_answer(reply, is_kept):
    with server_that_sends(reply) as address:
        visitor = Visitor(address)
        visitor.visit(0.0, is_kept)

    assert len(visitor.failures) == len(visitor.latencies) == 1


def test_the_visitor_comes_back_when_an_idle_connection_was_closed():
    with server_that_sends(GOOD, GOOD) as address:
        visitor = Visitor(address)
        visitor.visit(0.0, True)
        with socket.socket() as client:
            client.settimeout(5)
            assert visitor._kept.recv(1) == b""
        visitor.visit(0.0, True)

    assert visitor.failures == []
    visitor._close()


def result_with(**values):
    details = {
        "model": "sync",
        "attack": "noise",
        "latencies": [0.001] * 100,
        "failures": [],
        "before": 1,
        "most": 2,
        "lost": 0,
    }
    return scene.Result(**{**details, **values})


@pytest.mark.parametrize(
    ("result", "is_good"),
    [
        (result_with(), True),
        (result_with(latencies=[0.001] * 99 + [1.0]), True),
        (result_with(latencies=[0.001] * 98 + [0.06] * 2), False),
        (result_with(failures=["refused"]), False),
        (result_with(lost=1), False),
        (result_with(attack="idle", held=9500), True),
        (result_with(attack="idle", held=8000), False),
        (result_with(latencies=[]), False),
        (result_with(details={"outcomes": {"late": 1}}), False),
    ],
)
def test_the_verdict_and_the_row_agree(result, is_good):
    assert (not result.verdict) == is_good
    assert report.row(result).endswith("good") == is_good
    assert ("**" in report.markdown([result], 1)) != is_good


def in_turns(monkeypatch, results, attack="noise", model="sync"):
    """The best of several turns of an attack, and how many there were."""
    waiting = iter(results)
    monkeypatch.setattr(scene, "run", lambda *_: next(waiting))
    return scene.run_in_turns(model, attack, 1, 3)


LATE = {"latencies": [0.06] * 100}


def test_an_attack_that_is_survived_in_one_of_its_turns_is_survived(monkeypatch):
    best = in_turns(monkeypatch, [result_with(**LATE), result_with()])

    assert not best.verdict
    assert best.turns == 2


def test_an_attack_that_is_late_in_each_of_its_turns_is_not_survived(monkeypatch):
    best = in_turns(monkeypatch, [result_with(**LATE)] * 3)

    assert best.verdict
    assert best.turns == 3


def test_a_failure_is_not_tried_again(monkeypatch):
    best = in_turns(monkeypatch, [result_with(**LATE), result_with(failures=["reset"])])

    assert best.problem
    assert best.turns == 2
