"""Only what this machine alone can open."""

import pytest
from hookserve_status import addresses
from hookserve_status.address import check, is_loopback

from hookserve.listeners.address import TcpAddress, UnixAddress


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9000", TcpAddress("127.0.0.1", 9000)),
        ("[::1]:9000", TcpAddress("::1", 9000)),
        ("localhost:9000", TcpAddress("localhost", 9000)),
        ("unix:/run/shop/status", UnixAddress("/run/shop/status")),
    ],
)
def test_loopback_and_unix_sockets_are_taken(text, address):
    assert check(text) == address
    assert addresses(f"{text}, ") == (text,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0:9000", "this machine alone"),
        (":9000", "this machine alone"),
        ("10.0.0.1:9000", "this machine alone"),
        ("shop.example:9000", "this machine alone"),
        ("127.0.0.1:0", "expected a port"),
        ("unix:@status", "the path of a unix socket"),
        ("fd://3", "expected unix:PATH"),
        ("9000", "a port without a host"),
    ],
)
def test_any_other_is_refused_in_one_line(text, why):
    with pytest.raises(ValueError, match=why):
        addresses(text)


def test_loopback_is_every_address_of_it():
    assert is_loopback("127.9.9.9")
    assert not is_loopback("128.0.0.1")
    assert not is_loopback("127.0.0.1.evil.example")
