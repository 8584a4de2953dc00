"""A listener accepts, and refuses new clients."""

import errno
import os
import socket
import sys

import pytest

from hookserve.listeners.address import FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listener

OPTIONS = ListenerOptions()
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other kernels refuse otherwise")


def test_a_client_that_is_refused_is_not_connected_first(opened):
    listener = open_listener(TcpAddress("127.0.0.1", 0), OPTIONS)
    address = ("127.0.0.1", int(listener.endpoint.port))
    with socket.create_connection(address) as early, socket.socket() as late:
        early.sendall(b"early")

        listener.refuse_new_connections()

        late.settimeout(0.2)
        with pytest.raises(TimeoutError):
            late.connect(address)
        fd, _ = listener.accept()
        with socket.socket(fileno=fd) as accepted:
            assert accepted.recv(100) == b"early"
        assert listener.accept() is None
        listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_a_socket_that_was_handed_in_is_taken_from_no_other(opened):
    with socket.create_server(("127.0.0.1", 0)) as given:
        listener = open_listener(FdAddress(os.dup(given.fileno())), OPTIONS)
        opened.append(listener)

        listener.refuse_new_connections()

        with socket.create_connection(given.getsockname(), timeout=5):
            assert listener.accept() is not None


def test_a_unix_path_is_gone_when_its_clients_are_refused(opened, tmp_path):
    path = str(tmp_path / "s")
    listener = open_listener(UnixAddress(path), OPTIONS)
    opened.append(listener)
    with socket.socket(socket.AF_UNIX) as early:
        early.connect(path)

        listener.refuse_new_connections()

        assert not os.path.exists(path)
        assert listener.accept() is not None


@pytest.mark.parametrize("scheme", ["tcp", "unix"])
def test_accepting_where_no_connection_waits_does_not_block(opened, tmp_path, scheme):
    path = str(tmp_path / "socket")
    address = TcpAddress("127.0.0.1", 0) if scheme == "tcp" else UnixAddress(path)
    listener = open_listener(address, OPTIONS)
    opened.append(listener)

    assert listener.accept() is None


@pytest.mark.parametrize("number", [errno.EPROTO, errno.EHOSTUNREACH, errno.EPERM])
def test_a_connection_that_has_failed_already_disturbs_no_other(opened, number):
    listener = open_listener(TcpAddress("127.0.0.1", 0), OPTIONS)
    opened.append(listener)

    def fail():
        raise OSError(number, os.strerror(number))

    listener._accept = fail

    assert listener.accept() is None


@ON_LINUX
def test_a_retired_listener_has_those_who_wait_accepted_and_no_other(opened):
    listener = open_listener(TcpAddress("127.0.0.1", 0), OPTIONS)
    opened.append(listener)
    with socket.create_connection(("127.0.0.1", int(listener.endpoint.port))) as client:
        listener.retire()
        listener.retire()  # by each worker

        with socket.socket(client.family) as late:
            late.settimeout(0.1)
            with pytest.raises(TimeoutError):
                late.connect(client.getpeername())
        fd, _ = listener.accept()
        os.close(fd)
        assert listener.accept() is None
    assert listener.refuses_new_connections


@ON_LINUX
@pytest.mark.parametrize("name", ["socket", "@hookserve-retired"])
def test_a_retired_unix_listener_keeps_its_path(tmp_path, name):
    path = name if name.startswith("@") else str(tmp_path / name)
    listener = open_listener(UnixAddress(path), OPTIONS)
    address = path.replace("@", "\0")
    with socket.socket(socket.AF_UNIX) as client, socket.socket(socket.AF_UNIX) as late:
        client.connect(address)
        listener.retire()
        listener.retire()

        with pytest.raises(ConnectionRefusedError):
            late.connect(address)
        fd, _ = listener.accept()
        os.close(fd)
        assert listener.accept() is None
    assert os.path.exists(path) is not name.startswith("@")
    listener.close()


def test_a_listener_that_was_handed_in_is_not_retired():
    with socket.create_server(("127.0.0.1", 0)) as given:
        address = FdAddress(os.dup(given.fileno()))
        listener = open_listener(address, OPTIONS)
        listener.retire()
        listener.close()

        with socket.create_connection(given.getsockname(), 5):
            given.accept()[0].close()
    assert not listener.refuses_new_connections
