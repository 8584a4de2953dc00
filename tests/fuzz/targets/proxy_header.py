"""The PROXY protocol: a header of version 1 or 2, and what follows it.

* It raises nothing but `BadHeader`.
* A prefix of a header that is understood is neither refused nor understood otherwise.
* What follows a header changes nothing.
* Addresses and ports are such; a header has a length within its bounds.
"""

import ipaddress
import struct

from hookserve_proxy.header import SIGNATURE, BadHeader, parse

LONGEST_V1 = 107
LONGEST_V2 = 4096


def seeds():
    """Headers of all kinds."""
    yield b"PROXY TCP4 198.51.100.7 203.0.113.5 51234 443\r\nGET /"
    yield b"PROXY TCP6 2001:db8::7 2001:db8::5 51234 443\r\n"
    yield b"PROXY UNKNOWN ffff:: ffff:: 1 2\r\n"
    addresses = bytes(8) + struct.pack("!HH", 51234, 443)
    for command, family in ((0x20, 0x11), (0x21, 0x11), (0x21, 0x12), (0x21, 0)):
        yield SIGNATURE + struct.pack("!BBH", command, family, 12) + addresses
    extensions = b"\x03\0\x04crc!\x20\0\x05\x01\0\0\0\0"
    body = bytes(32) + struct.pack("!HH", 1, 2) + extensions
    yield SIGNATURE + struct.pack("!BBH", 0x21, 0x21, len(body)) + body
    yield SIGNATURE + struct.pack("!BBH", 0x21, 0x31, 216) + bytes(216)
    mapped = bytes(10) + b"\xff\xff\xc6\x33\x64\x07"
    yield SIGNATURE + struct.pack("!BBH", 0x21, 0x21, 36) + 2 * mapped + struct.pack("!HH", 1, 2)


def check(data):
    """The whole, every prefix, and with something behind."""
    header = understand(data)
    if header is None or header == "bad":
        return
    assert 0 < header.size <= (LONGEST_V2 if data[:1] == b"\r" else LONGEST_V1)
    whole = data[: header.size]
    assert understand(whole) == understand(whole + b"anything") == header
    for size in range(1, header.size):
        assert understand(data[:size]) is None, "a prefix is not waited for"
    if header.protocol:
        for address, port in (header.source, header.destination):
            # A mapped address of IPv6 is named as the one of IPv4 that it stands for.
            versions = {"TCP4": {4}, "TCP6": {4, 6}}[header.protocol]
            assert ipaddress.ip_address(address).version in versions
            assert 0 <= int(port) <= 65535
            assert port == str(int(port))


def understand(data):
    """The header, `None` while it is not whole, or that it is bad."""
    try:
        return parse(data)
    except BadHeader:
        return "bad"
