"""A server that answers wrongly is found out."""

import io
import socket
import threading
from contextlib import contextmanager, suppress

import pytest

from benchmarks import answers
from benchmarks.cases import BARE, BROWSER, PIPELINING, POST_1K

HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n"
GENTLE = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\nConnection: close\r\n\r\nHello, world!\n"


def read(text):
    return answers.read_answer(io.BytesIO(text))


def test_each_framing_is_read_to_its_end():
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked = head + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"

    assert read(HELLO) == answers.Answer(200, b"Hello, world!\n", False)
    assert read(chunked) == answers.Answer(200, b"abcde", False)
    assert read(b"HTTP/1.1 404 No\r\n\r\nto the end") == answers.Answer(404, b"to the end", True)
    assert read(GENTLE).is_last


def test_answers_one_behind_another_are_told_apart():
    file = io.BytesIO(HELLO + GENTLE)

    assert not answers.read_answer(file).is_last
    assert answers.read_answer(file).is_last
    with pytest.raises(EOFError):
        answers.read_answer(file)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answers.Answer(500, b"Hello, world!\n", False), "answers 500"),
        (answers.Answer(200, b"0 0\n", False), "answers b'0 0"),
        (answers.Answer(200, b"x" * 100, False), "answers 100 bytes"),
    ],
)
def test_what_is_wrong_is_named(answer, message):
    with pytest.raises(answers.WrongResponseError, match=message):
        answers.compare(answer, b"Hello, world!\n")


@contextmanager
def serving(responses, limit=1000):
    """Gives each of the first ``limit`` connections these bytes for whatever it sends.

    The others are accepted and wait. Which are the first is decided where they are accepted: their
    threads begin in any order.
    """

    def serve(client):
        with client, suppress(ConnectionResetError):
            while client.recv(1 << 20):
                client.sendall(responses)

    def ignore(client):
        with client, suppress(ConnectionResetError):
            while client.recv(1 << 20):
                pass

    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            target = serve if len(threads) < limit else ignore
            threads.append(threading.Thread(target=target, args=(client,)))
            threads[-1].start()

    threads = []
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
    for thread in threads:
        thread.join()


def test_a_server_that_answers_rightly_passes():
    with serving(HELLO) as port:
        answers.check(port, BARE)


def test_a_server_that_serves_only_some_of_the_connections_does_not_pass(monkeypatch):
    monkeypatch.setattr(answers, "_TIMEOUT", 0.2)

    with serving(HELLO, limit=5) as port:  # one that asks whether the response is right, then 4
        with pytest.raises(answers.WrongResponseError, match="serves 4 of 64 connections"):
            answers.check(port, BARE)


@pytest.mark.parametrize("case", [PIPELINING, POST_1K], ids=lambda case: case.name)
def test_a_server_that_answers_something_else_does_not_pass(case, monkeypatch):
    monkeypatch.setattr(answers, "_TIMEOUT", 0.2)

    with serving(HELLO) as port, pytest.raises(answers.WrongResponseError):
        answers.check(port, case)


def test_warming_up_goes_on_on_new_connections():
    with serving(GENTLE) as port:
        answers.warm_up(port, BROWSER, seconds=0.05)
