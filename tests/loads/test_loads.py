"""The loads in short, and that their clients notice what is wrong; `make loads` is longer."""

import socket
import threading
from contextlib import contextmanager, nullcontext

import pytest

from tests.loads import __main__ as command
from tests.loads import clients, loads
from tests.loads.application import BLOCK

SHORT = dict(zip(loads.LOADS, (300, 100, 100, 100, 40 << 20, 40 << 20), strict=True))


@pytest.mark.serial
@pytest.mark.everywhere
@pytest.mark.parametrize("name", loads.LOADS)
def test_a_load_costs_no_more_than_it_may(name):
    with loads.server(2000) as running:
        figure = loads.LOADS[name].measure(running, SHORT[name])

    assert figure < loads.LOADS[name].limit


@contextmanager
def server_that_sends(*pieces):
    """Sends these pieces to its one client, and closes."""

    def serve():
        connection, _ = listening.accept()
        with connection:
            connection.recv(1000)
            for piece in pieces:
                connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()
        thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(BLOCK))


def test_a_whole_response_is_read():
    with server_that_sends(HEAD, BLOCK, BLOCK) as address, clients.Reader(address, 2) as reader:
        reader.read_all()


@pytest.mark.parametrize(
    ("last", "message"), [(BLOCK[:-1], "1 bytes are missing"), (b"x" * len(BLOCK), "not those")]
)
def test_a_response_that_is_not_what_was_sent_is_noticed(last, message):
    with (
        server_that_sends(HEAD, BLOCK, last) as address,
        clients.Reader(address, 2) as reader,
        pytest.raises(AssertionError, match=message),
    ):
        reader.read_all()


def test_a_request_that_is_refused_is_noticed():
    refusal = b"HTTP/1.1 503 Service Unavailable\r\n\r\n"
    with server_that_sends(refusal) as address, pytest.raises(AssertionError, match="503"):
        clients.at_once(address, b"/", 1)


@pytest.mark.parametrize(
    ("figures", "shown", "code"),
    [([1.0], "1.00", 0), ([3.0, 2.0], "2.00", 0), ([5.0, 3.0, 4.0], "3.00", 1)],
)
def test_the_command_fails_for_what_is_over_its_limit_in_each_turn(
    monkeypatch, capsys, figures, shown, code
):
    turns = iter(figures)
    load = loads.Load(lambda running, size: next(turns), 10, "s", 3.0)
    monkeypatch.setattr(command, "LOADS", {"requests": load})
    monkeypatch.setattr(command, "server", nullcontext)
    monkeypatch.setattr("sys.argv", ["tests.loads"])

    assert command.main() == code
    found = capsys.readouterr()
    assert ("over the limit: requests" in found.err) == bool(code)
    assert shown in found.out
    assert next(turns, None) is None
