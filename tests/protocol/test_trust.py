"""Which proxies are believed."""

import pytest

from hookserve.protocol.trust import address_of, is_wide, trust_in_all, trusted_proxies, trusts


@pytest.mark.parametrize(
    ("allowed", "host", "is_trusted"),
    [
        (("127.0.0.1",), "127.0.0.1", True),
        (("127.0.0.1",), "127.0.0.2", False),
        (("10.0.0.0/8", "fc00::/7"), "10.9.8.7", True),
        (("10.0.0.0/8", "fc00::/7"), "fd12::1", True),
        (("10.0.0.0/8", "fc00::/7"), "11.0.0.1", False),
        (("fe80::/10",), "fe80::1%eth0", True),
        (("10.0.0.0/8",), "::ffff:10.1.1.1", True),
        (("2001:db8::1",), "2001:DB8:0::1", True),
        (("unix:",), "", True),
        (("127.0.0.1",), "", False),
        (("unix:",), "127.0.0.1", False),
        (("*",), "203.0.113.9", True),
        (("*",), "", True),
        ((), "127.0.0.1", False),
        (("0.0.0.0/0",), "no address", False),
    ],
)
def test_an_address_is_trusted(allowed, host, is_trusted):
    assert trusts(allowed)(host) is is_trusted


def test_a_list_may_be_one_string():
    assert trusted_proxies("10.0.0.0/8, unix:,*") == ("10.0.0.0/8", "unix:", "*")


@pytest.mark.parametrize(
    "text", ["10.0.0.1/8", "localhost", "unix:/run/x", "300.1.1.1", "10.0.0.0/33"]
)
def test_a_text_that_is_not_an_address_is_an_error(text):
    with pytest.raises(ValueError, match="expected addresses, networks, unix: or"):
        trusted_proxies(text)


def test_a_text_that_is_not_an_address_is_recognized():
    assert str(address_of("::ffff:192.0.2.1")) == "192.0.2.1"
    assert str(address_of("fe80::1%eth0")) == "fe80::1"
    assert address_of("unknown") is None


def test_an_ipv4_address_has_no_zone():
    assert address_of("127.0.0.1%x") is None
    assert not trusts(("127.0.0.0/8",))("127.0.0.1%x")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("10.0.0.0/8", True),
        ("fc00::/7", True),
        ("10.0.0.1", False),
        ("10.0.0.1/32", False),
        ("unix:", False),
        ("*", False),
    ],
)
def test_a_network_of_more_than_one_address_is_wide(name, found):
    assert is_wide(name) == found


@pytest.mark.parametrize(
    ("allowed", "found"),
    [
        (("127.0.0.1", "*"), "*"),
        (("0.0.0.0/0",), "0.0.0.0/0"),
        (("::/0",), "::/0"),
        (("2000::/3",), "2000::/3"),
        (("::1", "0.0.0.0/1"), "0.0.0.0/1"),
        (("0.0.0.0/1", "128.0.0.0/1"), "0.0.0.0/1, 128.0.0.0/1"),
        (("0.0.0.0/2", "10.0.0.0/8", "192.0.0.0/2"), "0.0.0.0/2, 10.0.0.0/8, 192.0.0.0/2"),
        (("0.0.0.0/2", "0.0.0.0/2", "10.0.0.0/8"), ""),
        (("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "unix:"), ""),
        (("2001:db8::/32", "fe80::/10"), ""),
        (("127.0.0.1", "::1", "unix:"), ""),
        ((), ""),
    ],
)
def test_networks_that_hold_half_of_all_addresses_trust_all(allowed, found):
    assert trust_in_all(allowed) == found
