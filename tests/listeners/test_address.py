"""Addresses as text."""

import pytest

from hookserve.errors import ConfigError
from hookserve.listeners.address import (
    FdAddress,
    TcpAddress,
    UnixAddress,
    parse_address,
    sockets_of_all_users,
)


@pytest.mark.parametrize(
    ("text", "address", "shown"),
    [
        ("127.0.0.1:80", TcpAddress("127.0.0.1", 80), "127.0.0.1:80"),
        ("localhost", TcpAddress("localhost", 8000), "localhost:8000"),
        (":5000", TcpAddress("0.0.0.0", 5000), "0.0.0.0:5000"),
        ("", TcpAddress("0.0.0.0", 8000), "0.0.0.0:8000"),
        ("[::1]:80", TcpAddress("::1", 80), "[::1]:80"),
        ("[::]", TcpAddress("::", 8000), "[::]:8000"),
        ("tcp://1.2.3.4:5", TcpAddress("1.2.3.4", 5), "1.2.3.4:5"),
        ("unix:/run/x", UnixAddress("/run/x"), "unix:/run/x"),
        ("unix:///run/x", UnixAddress("/run/x"), "unix:/run/x"),
        ("unix:@name", UnixAddress("@name"), "unix:@name"),
        ("\0name", UnixAddress("@name"), "unix:@name"),
        ("unix:/x?mode=0660&user=a&group=b", UnixAddress("/x", 0o660, "a", "b"), "unix:/x"),
        ("fd://3", FdAddress(3), "fd://3"),
    ],
)
def test_an_address_is_parsed_and_shown(text, address, shown):
    assert parse_address(text) == address
    assert str(address) == shown


@pytest.mark.parametrize(
    "text",
    ["1.2.3.4:65536", "::1", "host:port", "unix:", "unix:/x?mode=9", "unix:/x?a=b", "fd://x"],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ConfigError, match="bind: "):
        parse_address(text)


@pytest.mark.parametrize(
    ("name", "umask", "is_open"),
    [
        ("unix:{}/a", 0, True),
        ("unix:{}/a", 0o077, False),
        ("unix:{}/a?mode=0666", 0o077, True),
        ("unix:{}/a?mode=0660", 0, False),
        ("unix:{}/private/a", 0, False),
        ("unix:{}/not/there/yet", 0, True),
        ("unix:@a", 0o077, True),
        ("127.0.0.1:80", 0, False),
        ("fd://3", 0, False),
        ("unix:", 0, False),
    ],
)
def test_a_socket_is_open_to_all_users_by_its_mode_and_its_folder(tmp_path, name, umask, is_open):
    tmp_path.chmod(0o755)
    (tmp_path / "private").mkdir(mode=0o700)
    text = name.format(tmp_path)

    assert sockets_of_all_users([text], umask) == ([text.partition("?")[0]] if is_open else [])
