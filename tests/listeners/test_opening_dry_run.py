"""Addresses in a dry run: what cannot be listened on is an error; no client sees the others."""

import os
import socket
import sys

import pytest
from support.sockets import free_address, leave_path

from hookserve.errors import ListenError
from hookserve.listeners.address import FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listeners

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a dry run needs memfd_create(2)")

SERVED, DRY_RUN = ListenerOptions(), ListenerOptions(is_dry_run=True)
ABSTRACT = UnixAddress(f"@hookserve-dry-run-{os.getpid()}")


@pytest.fixture
def try_addresses():
    """A function that opens them in a dry run; they are closed at the end."""
    found = []

    def try_addresses(*addresses, existing=(), options=DRY_RUN):
        opened = open_listeners(addresses, options, existing)
        found.extend(each for each in opened if each not in existing)
        return opened

    yield try_addresses
    for each in found:
        each.close()


@pytest.fixture
def served():
    """A function that has another server listen on an address."""
    found = []

    def serve(address, options=SERVED):
        found.extend(opened := open_listeners([address], options))
        return opened[0]

    yield serve
    for each in found:
        each.close()
        each.remove()


def address_of(listener):
    return TcpAddress(listener.endpoint.host, int(listener.endpoint.port))


def free(host="127.0.0.1"):
    return TcpAddress(host, free_address(host)[1])


def has_client(listener):
    """Whether a client is in its queue, which is taken from there."""
    accepted = listener.accept()
    if accepted is not None:
        os.close(accepted[0])
    return accepted is not None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0", "::"])
@pytest.mark.parametrize("reuse_port", [True, False])
def test_no_client_gets_into_the_queue(try_addresses, host, reuse_port):
    address = free(host)

    (listener,) = try_addresses(address, options=DRY_RUN._replace(reuse_port=reuse_port))

    with pytest.raises((TimeoutError, ConnectionRefusedError)):
        socket.create_connection((host, address.port), timeout=0.2)
    assert listener.accept() is None


@pytest.mark.parametrize(
    ("taken", "tried"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("127.0.0.1", "0.0.0.0"),
        ("0.0.0.0", "::"),
        ("127.0.0.1", "::"),
        ("::1", "::"),
    ],
)
@pytest.mark.parametrize("reuse_port", [True, False])
def test_an_address_at_which_another_server_listens_is_in_use(
    try_addresses, served, taken, tried, reuse_port
):
    port = address_of(served(free(taken))).port

    with pytest.raises(ListenError, match="address already in use"):
        try_addresses(TcpAddress(tried, port), options=DRY_RUN._replace(reuse_port=reuse_port))


def test_a_port_that_servers_share_is_had_and_takes_none_of_their_clients(try_addresses, served):
    shared = ListenerOptions(reuse_port=True)
    other = served(free(), shared)

    try_addresses(address_of(other), options=shared._replace(is_dry_run=True))

    for _ in range(20):
        socket.create_connection((other.endpoint.host, int(other.endpoint.port))).close()
        assert has_client(other)


def test_a_new_address_that_overlaps_with_one_of_ours_takes_none_of_its_clients(
    try_addresses, served
):
    ours = served(free("0.0.0.0"))
    port = int(ours.endpoint.port)

    try_addresses(ours.address, TcpAddress("127.0.0.1", port), existing=[ours])

    socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    assert has_client(ours)
    assert not ours.socket.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


def test_addresses_that_overlap_exclude_each_other(try_addresses):
    address = free("0.0.0.0")
    try_addresses(address)

    with pytest.raises(ListenError, match="address already in use"):
        try_addresses(address._replace(host="127.0.0.1"))


def test_an_abstract_name_is_had_or_in_use(try_addresses, served):
    (listener,) = try_addresses(ABSTRACT)
    with socket.socket(socket.AF_UNIX) as client, pytest.raises(ConnectionRefusedError):
        client.connect("\0" + ABSTRACT.path[1:])
    listener.close()
    served(ABSTRACT)

    with pytest.raises(ListenError, match="address already in use"):
        try_addresses(ABSTRACT)


@pytest.mark.parametrize("is_stale", [True, False])
def test_nothing_comes_to_a_path(try_addresses, tmp_path, is_stale):
    path = tmp_path / "socket"
    if is_stale:
        leave_path(path)
    before = [(each.name, each.stat().st_ino) for each in tmp_path.iterdir()]

    (listener,) = try_addresses(UnixAddress(str(path), mode=0o600))
    listener.remove()

    assert [(each.name, each.stat().st_ino) for each in tmp_path.iterdir()] == before


def test_a_path_that_cannot_be_made_is_an_error(try_addresses, served, tmp_path):
    taken, file = UnixAddress(str(tmp_path / "taken")), tmp_path / "file"
    served(taken)
    file.write_text("not a socket")

    for address, why in (
        (taken, "address already in use"),
        (UnixAddress(str(file)), "is not a socket"),
        (UnixAddress(str(tmp_path / "no" / "socket")), "no such file or directory"),
    ):
        with pytest.raises(ListenError, match=why):
            try_addresses(address)
    assert {each.name for each in tmp_path.iterdir()} == {"taken", "file"}


def test_a_socket_that_was_handed_in_does_not_begin_to_listen(try_addresses):
    with socket.socket() as given:
        given.bind(("127.0.0.1", 0))

        try_addresses(FdAddress(os.dup(given.fileno())))

        assert not given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    with pytest.raises(ListenError, match="the descriptor must be an open, inherited socket"):
        try_addresses(FdAddress(9999))
