"""What the kernel knows of the other side of a connection."""

import contextlib
import os
import socket
import sys

import pytest

from hookserve.testing import kernel, wait_until
from hookserve.testing.kernel import (
    clients_of,
    is_accepted,
    is_closed,
    is_delivered,
    is_read,
    is_stalled,
)


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


@pytest.fixture
def client(listener):
    with socket.create_connection(listener.getsockname()) as made:
        yield made


def test_a_connection_is_accepted_once_a_process_has_it(listener, client):
    assert not is_accepted(client)

    with listener.accept()[0]:
        assert is_accepted(client)
    assert not is_accepted(client)


def test_what_is_delivered_is_not_read_until_the_server_reads_it(listener, client):
    client.sendall(b"abc")
    wait_until(lambda: is_delivered(client))

    assert not is_read(client)
    with listener.accept()[0] as accepted:
        assert not is_read(client)
        accepted.recv(2)
        assert not is_read(client)
        accepted.recv(2)
        assert is_read(client)


def test_what_the_server_has_closed_will_not_be_read(listener, client):
    listener.accept()[0].close()

    assert is_read(client)


def test_a_connection_is_stalled_while_its_client_has_no_room(listener, client):
    with listener.accept()[0] as accepted:
        assert not is_stalled(client)
        accepted.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while accepted.send(b"x" * 65536):
                pass
        assert is_stalled(client)
        assert not is_delivered(accepted)
        client.settimeout(1)
        wait_until(lambda: client.recv(1 << 20) and not is_stalled(client))


def test_a_connection_that_waits_to_be_accepted_is_not_closed(listener, client):
    client.shutdown(socket.SHUT_WR)
    assert not is_closed(client)

    accepted = listener.accept()[0]
    assert not is_closed(client)
    accepted.close()
    assert is_closed(client)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc and sock_diag are Linux's")
def test_the_clients_of_a_process_are_those_that_it_has_accepted_and_not_closed(listener, client):
    here, port = os.getpid(), listener.getsockname()[1]
    # The loop of a worker opens and closes such a pair while it serves.
    ours, theirs = socket.socketpair()
    assert not clients_of(here, port)

    with ours, theirs, listener.accept()[0], socket.create_connection(listener.getsockname()):
        assert clients_of(here, port) == {client.getsockname()[1]}
        assert not clients_of(os.getppid(), port)
        client.shutdown(socket.SHUT_WR)
        assert clients_of(here, port) == {client.getsockname()[1]}
    assert not clients_of(here, port)


def test_where_the_kernel_does_not_say_a_pause_stands_in(client, monkeypatch):
    monkeypatch.setattr(kernel, "_IS_KNOWN", False)
    monkeypatch.setattr(kernel, "_PAUSE", 0.0)

    found = [each(client) for each in (is_accepted, is_delivered, is_read, is_stalled, is_closed)]
    assert found == [True] * 5
