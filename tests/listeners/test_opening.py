"""Listening sockets: opened, inherited, kept, removed."""

import os
import socket
import stat

import pytest

from hookserve.errors import ListenError
from hookserve.listeners.address import FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listener, open_listeners, systemd_listeners

OPTIONS = ListenerOptions()


def test_tcp_connections_are_accepted_as_descriptors(opened):
    listener = open_listener(TcpAddress("127.0.0.1", 0), OPTIONS)
    opened.append(listener)
    assert listener.accept() is None

    with socket.create_connection(("127.0.0.1", int(listener.endpoint.port))) as client:
        fd, peer = listener.accept()

        assert peer == client.getsockname()
        assert not os.get_blocking(fd)
        assert not os.get_inheritable(fd)
        with socket.socket(fileno=fd) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_both_families_can_have_one_port(opened):
    six = open_listener(TcpAddress("::", 0), OPTIONS)
    opened.append(six)

    four = open_listener(TcpAddress("0.0.0.0", int(six.endpoint.port)), OPTIONS)
    opened.append(four)

    assert four.endpoint.port == six.endpoint.port


def test_a_taken_port_is_said_in_one_line(opened):
    first = open_listener(TcpAddress("127.0.0.1", 0), OPTIONS)
    opened.append(first)

    with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:\d+: address already in"):
        open_listener(TcpAddress("127.0.0.1", int(first.endpoint.port)), OPTIONS)


def test_an_address_of_another_machine_is_said():
    with pytest.raises(ListenError, match="this machine has no such address"):
        open_listener(TcpAddress("192.0.2.1", 0), OPTIONS)


def test_an_invalid_address_says_what_to_bind():
    with pytest.raises(ListenError, match=r"no host of that name \(bind an address, or 0\.0\.0\.0"):
        open_listener(TcpAddress("300.1.1.1", 80), OPTIONS)


@pytest.mark.parametrize("host", ["\u00e4..b", "\u00e4" * 80, "\ud800"])
def test_what_cannot_be_a_name_of_a_host_is_said(host):
    with pytest.raises(ListenError, match="no host of that name"):
        open_listener(TcpAddress(host, 80), OPTIONS)


def test_a_unix_socket_has_its_mode_from_the_beginning(tmp_path, opened):
    path = tmp_path / "socket"

    opened.append(open_listener(UnixAddress(str(path), mode=0o640), OPTIONS))

    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["socket"]


def test_a_unix_socket_of_a_living_server_is_not_taken(tmp_path, opened):
    path = str(tmp_path / "socket")
    opened.append(open_listener(UnixAddress(path), OPTIONS))

    with pytest.raises(ListenError, match="already in use"):
        open_listener(UnixAddress(path), OPTIONS)


def test_a_stale_unix_socket_is_replaced_and_a_file_is_not(tmp_path, opened):
    path = tmp_path / "socket"
    open_listener(UnixAddress(str(path)), OPTIONS).close()
    opened.append(open_listener(UnixAddress(str(path)), OPTIONS))
    plain = tmp_path / "plain"
    plain.write_text("precious")

    with pytest.raises(ListenError, match="is not a socket"):
        open_listener(UnixAddress(str(plain)), OPTIONS)

    assert plain.read_text() == "precious"


def test_a_missing_directory_is_said(tmp_path):
    with pytest.raises(ListenError, match="no such file or directory"):
        open_listener(UnixAddress(str(tmp_path / "no" / "socket")), OPTIONS)


def test_a_path_that_another_server_took_over_is_left_to_it(tmp_path, opened):
    """W9b: removal looks at the inode."""
    path = tmp_path / "socket"
    old = open_listener(UnixAddress(str(path)), OPTIONS)
    old.close()
    opened.append(open_listener(UnixAddress(str(path)), OPTIONS))

    old.remove()
    assert path.exists()

    opened[0].remove()
    assert not path.exists()
    opened[0].remove()


def test_an_abstract_name_is_listened_on_and_removed_without_harm(opened):
    name = f"@hookserve-test-{os.getpid()}"
    listener = open_listener(UnixAddress(name), OPTIONS)
    opened.append(listener)

    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + name[1:])
        fd, _ = listener.accept()
        os.close(fd)

    listener.remove()
    assert listener.accept() is None


def test_a_descriptor_is_inherited():
    with socket.create_server(("127.0.0.1", 0)) as given:
        number = os.dup(given.fileno())

        listener = open_listener(FdAddress(number), OPTIONS)

        assert listener.endpoint.port == str(given.getsockname()[1])
        listener.close()


def test_a_descriptor_that_is_no_socket_is_refused():
    read, write = os.pipe()
    try:
        with pytest.raises(ListenError, match=f"cannot listen on fd://{read}"):
            open_listener(FdAddress(read), OPTIONS)
    finally:
        os.close(read)
        os.close(write)


def test_a_service_managers_sockets_are_inherited(monkeypatch):
    given = socket.create_server(("127.0.0.1", 0))
    environ = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "x"}
    monkeypatch.setattr("hookserve.listeners.opening.SYSTEMD_FIRST_FD", given.fileno())

    (listener,) = systemd_listeners(environ)

    assert listener.endpoint.port == str(given.getsockname()[1])
    assert environ == {}
    given.detach()
    listener.close()


def test_sockets_of_another_process_are_not_inherited():
    environ = {"LISTEN_FDS": "1", "LISTEN_PID": "1"}

    assert systemd_listeners(environ) == []


def test_unchanged_addresses_keep_their_listeners_and_a_failure_opens_nothing(tmp_path, opened):
    kept = open_listener(UnixAddress(str(tmp_path / "kept")), OPTIONS)
    opened.append(kept)
    new = UnixAddress(str(tmp_path / "new"))

    found = open_listeners([kept.address, new], OPTIONS, [kept])
    assert found[0] is kept
    found[1].close()
    found[1].remove()

    with pytest.raises(ListenError):
        open_listeners([new, UnixAddress(str(tmp_path / "no" / "x"))], OPTIONS, [kept])

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
