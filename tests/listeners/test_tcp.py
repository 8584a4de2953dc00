"""TCP sockets: names with several addresses, both families, and what the log shows."""

import errno
import os
import socket
import sys

import pytest

from hookserve.errors import ListenError
from hookserve.listeners import tcp
from hookserve.listeners.address import FdAddress, TcpAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listener, open_listeners

OPTIONS = ListenerOptions()


@pytest.fixture
def free_port():
    """A port that is free in both families."""
    with socket.socket(socket.AF_INET6) as bound:
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(("::", 0))
        return bound.getsockname()[1]


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
        found = open_listeners(addresses, OPTIONS, existing)
        opened.extend(found)
        return found

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


def takers(host, port, *listeners):
    """Which of the listeners gets a client that connects there."""
    with socket.create_connection((host, port), timeout=2):
        found = [each.accept() for each in listeners]
    for accepted in filter(None, found):
        os.close(accepted[0])
    return [accepted is not None for accepted in found]


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux shares ports (socket(7))")
@pytest.mark.parametrize(
    ("before", "added"),
    [("::", "0.0.0.0"), ("0.0.0.0", "::"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")],
)
def test_an_address_is_added_beside_one_of_the_server_that_overlaps(
    listen, free_port, before, added
):
    """As a reload does: the old one is kept, or is closed once the new one serves."""
    (old,) = listen(TcpAddress(before, free_port))

    (new,) = listen(TcpAddress(added, free_port), existing=[old])

    for each in (old, new):
        assert not each.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert sum(takers("127.0.0.1", free_port, old, new)) == 1
    old.close()
    assert takers("127.0.0.1", free_port, new) == [True]


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux shares ports (socket(7))")
def test_the_wildcard_of_ipv4_gets_its_clients_beside_a_kept_one_of_both_families(
    listen, free_port
):
    addresses = [TcpAddress("::", free_port), TcpAddress("0.0.0.0", free_port)]
    (old,) = listen(addresses[0])

    kept, new = listen(*addresses, existing=[old])

    assert kept is old
    assert takers("127.0.0.1", free_port, old, new) == [False, True]
    assert takers("::1", free_port, old, new) == [True, False]
    new.close()
    assert listen(addresses[0], existing=[old]) == [old]
    assert takers("127.0.0.1", free_port, old) == [True]


def test_a_kept_wildcard_of_ipv6_alone_keeps_that_of_ipv4_beside_it(listen, free_port):
    """`[::]` means both families, and a socket cannot be told so once it is bound (ipv6(7))."""
    addresses = [TcpAddress("::", free_port), TcpAddress("0.0.0.0", free_port)]
    six, four = listen(*addresses)

    assert listen(addresses[0], existing=[six, four]) == [six, four]
    four.close()
    six_again, another = listen(addresses[0], existing=[six])
    assert six_again is six
    assert takers("127.0.0.1", free_port, six, another) == [False, True]


def test_an_address_of_another_process_is_in_use_all_the_same(listen, free_port):
    (old,) = listen(TcpAddress("127.0.0.1", free_port))
    with socket.create_server(("127.0.0.2", free_port)):
        with pytest.raises(ListenError, match="already in use"):
            listen(TcpAddress("0.0.0.0", free_port), existing=[old])
        with pytest.raises(ListenError, match="already in use"):
            listen(TcpAddress("127.0.0.2", free_port), existing=[old])

    assert not old.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    assert takers("127.0.0.1", free_port, old) == [True]


def test_the_port_that_the_kernel_chose_is_shown(listen):
    (listener,) = listen(TcpAddress("127.0.0.1", 0))

    port = listener.socket.getsockname()[1]
    assert listener.shown_address == f"127.0.0.1:{port}"
    inherited = open_listener(FdAddress(os.dup(listener.fileno())), OPTIONS)
    assert inherited.shown_address == f"fd://{inherited.fileno()} (127.0.0.1:{port})"
    inherited.close()
