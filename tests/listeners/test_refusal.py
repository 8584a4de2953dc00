"""New connections are refused in all processes, and none that waits is lost."""

import errno
import os
import socket
import sys

import pytest

from hookserve.listeners import refusal
from hookserve.listeners.address import FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.listeners import ListenerOptions, open_listener

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")

ADDRESSES = ["127.0.0.1", "::1", "::"]


@pytest.fixture(params=ADDRESSES)
def listener(request):
    found = open_listener(TcpAddress(request.param, 0), ListenerOptions())
    yield found
    found.close()


def connect(listener):
    host = listener.endpoint.host
    return socket.create_connection(
        ("::1" if host == "::" else host, int(listener.endpoint.port)), timeout=5
    )


def test_an_empty_listener_refuses_at_once(listener):
    assert listener.stop_listening()

    with pytest.raises(ConnectionRefusedError):
        connect(listener)
    assert listener.accept() is None


def test_a_client_that_waits_is_served_first(listener):
    with connect(listener) as client:
        listener.refuse_new_connections()
        assert not listener.stop_listening()

        fd, _ = listener.accept()
        assert listener.stop_listening()

        os.write(fd, b"served")
        assert client.recv(10) == b"served"
        os.close(fd)
    with pytest.raises(ConnectionRefusedError):
        connect(listener)


def test_another_process_that_holds_the_socket_does_not_matter(listener):
    copy = socket.socket(fileno=os.dup(listener.fileno()))
    with copy:
        assert listener.stop_listening()
        listener.close()

        with pytest.raises(OSError, match="Invalid argument") as caught:
            copy.accept()
    assert caught.value.errno == errno.EINVAL


def test_a_listener_may_be_stopped_twice(listener):
    assert listener.stop_listening()
    assert listener.stop_listening()


def test_a_handshake_under_way_is_waited_for(listener, monkeypatch):
    port = int(listener.endpoint.port)
    under_way = {(socket.AF_INET6, port)}
    monkeypatch.setattr(
        refusal.sockdiag, "has_state", lambda family, port, state: (family, port) in under_way
    )

    assert not listener.stop_listening()
    under_way.clear()
    assert listener.stop_listening()


def test_where_the_kernel_does_not_say_the_queue_alone_is_asked(listener, monkeypatch):
    def fail(*_):
        raise OSError(errno.EPROTONOSUPPORT, "no sock_diag")

    monkeypatch.setattr(refusal.sockdiag, "has_state", fail)

    assert listener.stop_listening()


def test_an_abstract_unix_socket_refuses_at_once_and_serves_those_that_wait():
    name = f"\0hookserve-{os.getpid()}"
    listener = open_listener(UnixAddress("@" + name[1:]), ListenerOptions())
    with socket.socket(socket.AF_UNIX) as early, socket.socket(socket.AF_UNIX) as late:
        early.connect(name)

        listener.refuse_new_connections()
        assert listener.stop_listening()

        with pytest.raises(ConnectionRefusedError):
            late.connect(name)
        fd, _ = listener.accept()
        os.close(fd)
        assert listener.accept() is None
    listener.close()


def test_a_socket_that_was_handed_in_goes_on():
    with socket.create_server(("127.0.0.1", 0)) as given:
        listener = open_listener(FdAddress(os.dup(given.fileno())), ListenerOptions())

        listener.refuse_new_connections()
        assert listener.stop_listening()

        with socket.create_connection(given.getsockname(), timeout=5):
            assert listener.accept() is not None
        listener.close()
