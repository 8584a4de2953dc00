"""TCP sockets: names with several addresses, both families, and what the log shows."""

import errno
import os
import socket

import pytest

from hookserve.errors import ListenError
from hookserve.listeners import tcp
from hookserve.listeners.address import FdAddress, TcpAddress
from hookserve.listeners.listeners import ListenerOptions, open_listener, open_listeners

OPTIONS = ListenerOptions()


@pytest.fixture
def free_port():
    """A port that is free in both families."""
    with socket.socket(socket.AF_INET6) as probe:
        probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        probe.bind(("::", 0))
        return probe.getsockname()[1]


@pytest.fixture
def resolver(monkeypatch):
    """Names and their addresses, as /etc/hosts would have them."""
    names = {}
    real = tcp.getaddrinfo

    def getaddrinfo(host, *arguments):
        return [
            entry
            for each in names.get(host.decode(), [host.decode()])
            for entry in real(each, *arguments)
        ]

    monkeypatch.setattr(tcp, "getaddrinfo", getaddrinfo)
    return names


@pytest.fixture
def listen():
    """Open listeners, closed at the end."""
    opened = []

    def open_all(*addresses, existing=()):
        opened.extend(open_listeners(addresses, OPTIONS, existing))
        return opened[-len(opened) :]

    yield open_all
    for listener in opened:
        listener.close()


def connects(host, port):
    try:
        socket.create_connection((host, port), timeout=2).close()
    except ConnectionRefusedError:
        return False
    return True


def test_a_name_is_listened_on_at_all_its_addresses(resolver, listen, free_port):
    resolver["localhost"] = ["::1", "127.0.0.1", "127.0.0.1"]

    found = listen(TcpAddress("localhost", free_port))

    assert [each.shown_address for each in found] == [
        f"[::1]:{free_port}",
        f"127.0.0.1:{free_port}",
    ]
    assert connects("::1", free_port)
    assert connects("127.0.0.1", free_port)


def test_an_address_of_a_name_that_the_machine_does_not_have_is_left_out(
    resolver, listen, free_port
):
    resolver["shop"] = ["198.51.100.1", "127.0.0.1"]
    resolver["far"] = ["198.51.100.1", "198.51.100.2"]

    found = listen(TcpAddress("shop", free_port))

    assert [each.shown_address for each in found] == [f"127.0.0.1:{free_port}"]
    with pytest.raises(ListenError, match="this machine has no such address"):
        listen(TcpAddress("far", free_port))


def test_a_family_that_is_switched_off_is_left_out():
    assert tcp.is_absent(OSError(errno.EAFNOSUPPORT, "x"))
    assert not tcp.is_absent(OSError(errno.EADDRINUSE, "x"))


def test_a_name_keeps_its_listeners_at_a_reload(resolver, listen, free_port):
    resolver["localhost"] = ["::1", "127.0.0.1"]
    first = listen(TcpAddress("localhost", free_port))

    again = open_listeners([TcpAddress("localhost", free_port)], OPTIONS, first)

    assert again == first


def test_of_a_name_whose_second_address_is_taken_nothing_stays_open(resolver, free_port):
    resolver["localhost"] = ["::1", "127.0.0.1"]
    with (
        socket.create_server(("127.0.0.1", free_port)),
        pytest.raises(
            ListenError, match=f"cannot listen on 127.0.0.1:{free_port}: address already"
        ),
    ):
        open_listeners([TcpAddress("localhost", free_port)], OPTIONS)

    assert not connects("::1", free_port)


def test_the_wildcard_of_ipv6_serves_ipv4_too_and_shows_its_clients_as_such(listen, free_port):
    (listener,) = listen(TcpAddress("::", free_port))

    with socket.create_connection(("127.0.0.1", free_port), timeout=2) as client:
        fd, peer = listener.accept()
        os.close(fd)
        assert peer == client.getsockname()
    with socket.create_connection(("::1", free_port), timeout=2) as client:
        fd, peer = listener.accept()
        os.close(fd)
        assert peer == client.getsockname()


def test_beside_the_wildcard_of_ipv4_that_of_ipv6_serves_ipv6_alone(listen, free_port):
    found = listen(TcpAddress("::", free_port), TcpAddress("0.0.0.0", free_port))

    assert [each.shown_address for each in found] == [f"[::]:{free_port}", f"0.0.0.0:{free_port}"]
    with socket.create_connection(("127.0.0.1", free_port), timeout=2):
        assert found[0].accept() is None
        fd, _ = found[1].accept()
        os.close(fd)


def test_the_port_that_the_kernel_chose_is_shown(listen):
    (listener,) = listen(TcpAddress("127.0.0.1", 0))

    port = listener.socket.getsockname()[1]
    assert listener.shown_address == f"127.0.0.1:{port}"
    inherited = open_listener(FdAddress(os.dup(listener.fileno())), OPTIONS)
    assert inherited.shown_address == f"fd://{inherited.fileno()} (127.0.0.1:{port})"
    inherited.close()
