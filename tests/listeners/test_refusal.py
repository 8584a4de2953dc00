"""New connections are refused in all processes, and none that waits is lost."""

import errno
import os
import socket
import sys

import pytest

from hookserve.listeners import refusal
from hookserve.listeners.address import FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listener, open_listeners

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


@pytest.mark.parametrize("listener", ["127.0.0.1", "::1"], indirect=True)
def test_a_client_that_the_kernel_holds_back_shakes_hands(listener):
    listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
    assert not listener.has_handshake()

    with connect(listener) as client:
        assert listener.has_handshake()

        client.sendall(b"x")
        assert not listener.has_handshake()


def test_an_ipv4_client_of_both_families_shakes_hands_too():
    (listener,) = open_listeners([TcpAddress("::", 0)], ListenerOptions(defer_accept=True))
    with socket.create_connection(("127.0.0.1", int(listener.endpoint.port))):
        found = listener.has_handshake()
    listener.close()

    assert found


def test_a_handshake_over_the_other_family_is_asked_for(listener, monkeypatch):
    port = int(listener.endpoint.port)
    under_way = {(socket.AF_INET6, port)}
    monkeypatch.setattr(
        refusal.sockdiag, "has_state", lambda family, port, state: (family, port) in under_way
    )

    assert listener.has_handshake()
    under_way.clear()
    assert not listener.has_handshake()


def test_where_the_kernel_does_not_say_there_is_no_handshake(listener, monkeypatch):
    def fail(*_):
        raise OSError(errno.EPROTONOSUPPORT, "no sock_diag")

    monkeypatch.setattr(refusal.sockdiag, "has_state", fail)
    assert not listener.has_handshake()

    monkeypatch.setattr(refusal.sys, "platform", "darwin")
    monkeypatch.setattr(refusal.sockdiag, "has_state", lambda *_: True)
    assert not listener.has_handshake()


def test_only_a_tcp_listener_of_our_own_has_handshakes(monkeypatch, tmp_path):
    monkeypatch.setattr(refusal.sockdiag, "has_state", lambda *_: True)
    with socket.create_server(("127.0.0.1", 0)) as given:
        addresses = (
            FdAddress(os.dup(given.fileno())),
            UnixAddress(str(tmp_path / "s")),
            TcpAddress("127.0.0.1", 0),
        )
        found = [open_listener(each, ListenerOptions()) for each in addresses]
    shakes = [each.has_handshake() for each in found]
    for each in found:
        each.close()

    assert shakes == [False, False, True]


def test_a_kernel_that_tells_nothing_of_the_queue_ends_no_socket():
    """A sandbox may fill the structure with zeros, while clients wait."""

    class Sandboxed:
        def getsockopt(self, level, name, size):
            return bytes(size)

    assert refusal.stop_listening(Sandboxed())  # which has no shutdown


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
