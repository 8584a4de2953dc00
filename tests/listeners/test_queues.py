"""The kernel says how many connections wait."""

import os
import socket
import sys

import pytest

from hookserve.listeners.queues import AcceptQueue, ListeningSocket, accept_queues

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sock_diag(7) is Linux's")


def described(listener, name):
    return ListeningSocket(name, listener.family, os.fstat(listener.fileno()).st_ino)


def test_what_waits_at_tcp_and_unix_sockets_is_counted(tmp_path):
    path = str(tmp_path / "s")
    with (
        socket.create_server(("127.0.0.1", 0), backlog=7) as tcp,
        socket.create_server(path, family=socket.AF_UNIX, backlog=5) as unix,
        socket.create_connection(tcp.getsockname()),
        socket.create_connection(tcp.getsockname()),
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(path)

        found = accept_queues([described(tcp, "tcp"), described(unix, "unix")])

    assert found == [AcceptQueue("tcp", 2, 7), AcceptQueue("unix", 1, 5)]


def test_a_socket_that_is_closed_is_left_out():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        known = described(listener, "tcp")
    gone = ListeningSocket("unix", socket.AF_UNIX, 1)

    assert accept_queues([known, gone]) == []
