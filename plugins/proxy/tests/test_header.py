"""The header of the PROXY protocol."""

import struct
from ipaddress import ip_address

import pytest
from hookserve_proxy.header import SIGNATURE, BadHeader, Header, parse

V1 = b"PROXY TCP4 198.51.100.7 203.0.113.5 51234 443\r\n"


def v2(command=0x21, family=0x11, body=None, source="198.51.100.7", extensions=b""):
    if body is None:
        addresses = ip_address(source).packed, ip_address(source).packed
        body = b"".join(addresses) + struct.pack("!HH", 51234, 443) + extensions
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


GOOD = {
    "v1": (V1, Header(len(V1), "TCP4", ("198.51.100.7", "51234"), ("203.0.113.5", "443"))),
    "v1-six": (
        b"PROXY TCP6 2001:db8::7 2001:db8::5 1 65535\r\n",
        Header(44, "TCP6", ("2001:db8::7", "1"), ("2001:db8::5", "65535")),
    ),
    "v1-unknown": (b"PROXY UNKNOWN\r\n", Header(15)),
    "v1-unknown-with-more": (b"PROXY UNKNOWN ffff:: whatever 1 2\r\n", Header(35)),
    "v2": (v2(), Header(28, "TCP4", ("198.51.100.7", "51234"), ("198.51.100.7", "443"))),
    "v2-six": (
        v2(family=0x21, source="2001:db8::7"),
        Header(52, "TCP6", ("2001:db8::7", "51234"), ("2001:db8::7", "443")),
    ),
    "v2-local": (v2(command=0x20), Header(28)),
    "v2-local-empty": (v2(command=0x20, family=0, body=b""), Header(16)),
    "v2-unspecified": (v2(family=0, body=b"abc"), Header(19)),
    "v2-unix": (v2(family=0x31, body=bytes(216)), Header(232)),
    "v2-tls": (
        v2(extensions=b"\x03\0\x04crc!\x20\0\x05\x01\0\0\0\0"),
        Header(43, "TCP4", ("198.51.100.7", "51234"), ("198.51.100.7", "443"), is_encrypted=True),
    ),
    "v2-plain": (
        v2(extensions=b"\x20\0\x05\0\0\0\0\0"),
        Header(36, "TCP4", ("198.51.100.7", "51234"), ("198.51.100.7", "443")),
    ),
}

BAD = {
    "nothing": b"GET / HTTP/1.1\r\n",
    "v1-lower": b"proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
    "v1-family": b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
    "v1-few": b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
    "v1-many": b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
    "v1-two-spaces": b"PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
    "v1-address": b"PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n",
    "v1-six-as-four": b"PROXY TCP4 ::1 ::2 1 2\r\n",
    "v1-not-ascii": b"PROXY TCP4 1.1.1.\xb2 2.2.2.2 1 2\r\n",
    "v1-port": b"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n",
    "v1-port-signed": b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
    "v1-port-zeroes": b"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
    "v1-empty": b"PROXY \r\n",
    "v1-endless": b"PROXY UNKNOWN " + b"x" * 107,
    "v2-version": v2(command=0x11),
    "v2-command": v2(command=0x22),
    "v2-datagram": v2(family=0x12),
    "v2-short": v2(body=bytes(11)),
    "v2-long": v2(body=bytes(4090)),
    "v2-extension-cut": v2(extensions=b"\x03\0\x09crc!"),
    "v2-extension-stub": v2(extensions=b"\x03\0"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_header_is_understood_whatever_follows_it(name):
    data, expected = GOOD[name]

    assert parse(data) == expected
    assert parse(data + b"GET / HTTP/1.1\r\n") == expected


@pytest.mark.parametrize("name", GOOD)
def test_a_part_of_a_header_is_waited_for(name):
    data, _ = GOOD[name]

    assert [parse(data[:size]) for size in range(1, len(data))] == [None] * (len(data) - 1)


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_header_is_refused(name):
    with pytest.raises(BadHeader):
        parse(BAD[name])


def test_another_version_than_the_one_asked_for_is_refused():
    assert parse(V1, "v1") is not None
    assert parse(v2(), "v2") is not None
    with pytest.raises(BadHeader):
        parse(V1, "v2")
    with pytest.raises(BadHeader):
        parse(v2(), "v1")


def test_an_ipv4_mapped_address_is_an_ipv4_address_in_both_versions():
    mapped = "::ffff:203.0.113.7"

    for data in (
        f"PROXY TCP6 {mapped} {mapped} 1 2\r\n".encode(),
        v2(family=0x21, source=mapped),
    ):
        header = parse(data)
        assert header.source[0] == header.destination[0] == "203.0.113.7"


def test_an_address_with_a_zone_is_refused():
    with pytest.raises(BadHeader):
        parse(b"PROXY TCP6 fe80::1%\x1b[31m fe80::2 1 2\r\n")
