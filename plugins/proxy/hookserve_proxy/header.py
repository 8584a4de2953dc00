"""The header of the PROXY protocol, versions 1 and 2.

The source is HAProxy's specification, ``proxy-protocol.txt``; sections are named where they decide.
"""

from __future__ import annotations

import ipaddress
import re
from struct import Struct
from typing import NamedTuple

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
"""What version 2 begins with (2.2)."""

_V1_BEGIN = b"PROXY "
_V1_SIZE = 107
"""Bytes of the longest line of version 1, its end included (2.1)."""
_V2_BEGIN = Struct("!12sBBH")
_V2_SIZE = 4096
"""Bytes of a header of version 2 beyond which it is refused; 536 must be taken (2.2)."""
_V1_PORT = re.compile(rb"0|[1-9][0-9]{0,4}")

_LOCAL, _PROXY = 0x20, 0x21
_STREAM = 1
_FAMILIES = {1: ("TCP4", Struct("!4s4sHH")), 2: ("TCP6", Struct("!16s16sHH"))}
_TLV = Struct("!BH")
_TLV_SSL = 0x20
_CLIENT_SSL = 0x01


class BadHeader(Exception):
    """What a proxy sent is no header; the message says why."""


class NoHeader(BadHeader):
    """What a proxy sent does not begin as a header does."""


class Header(NamedTuple):
    """What a header says."""

    size: int
    """Bytes that it takes."""
    protocol: str = ""
    """``TCP4`` or ``TCP6``; empty when the addresses are not known, or are the proxy's own."""
    source: tuple[str, str] = ("", "")
    """The client's address and port."""
    destination: tuple[str, str] = ("", "")
    """The address and port to which the client connected."""
    is_encrypted: bool = False
    """Whether the client speaks TLS with the proxy (2.2.6)."""


def parse(data: bytes, version: str = "auto") -> Header | None:
    """The header that `data` begins with; `None` while it is not whole.

    `version` is ``v1``, ``v2`` or ``auto``.  Raises NoHeader, and BadHeader for a malformed one.
    """
    if version != "v2" and data[: len(_V1_BEGIN)] == _V1_BEGIN[: len(data)]:
        return _parse_v1(data)
    if version != "v1" and data[: len(SIGNATURE)] == SIGNATURE[: len(data)]:
        return _parse_v2(data)
    raise NoHeader("no PROXY header")


def _parse_v1(data: bytes) -> Header | None:
    end = data.find(b"\r\n", 0, _V1_SIZE)
    if end < 0:
        if len(data) >= _V1_SIZE:
            raise BadHeader("the line of version 1 has no end")
        return None
    size = end + 2
    words = data[:end].split(b" ")
    # 2.1: whatever follows UNKNOWN is to be ignored.
    if words[1] == b"UNKNOWN":
        return Header(size)
    if len(words) != 6 or words[1] not in (b"TCP4", b"TCP6"):
        raise BadHeader("the line of version 1 is not one of TCP4, TCP6 or UNKNOWN")
    kind = ipaddress.IPv4Address if words[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        source, destination = (_text_of(kind(word.decode("ascii"))) for word in words[2:4])
    except ValueError:
        raise BadHeader("invalid address in version 1") from None
    for word in words[4:]:
        if not _V1_PORT.fullmatch(word) or int(word) > 65535:
            raise BadHeader("invalid port in version 1")
    source_port, destination_port = (word.decode("ascii") for word in words[4:])
    return Header(
        size, words[1].decode("ascii"), (source, source_port), (destination, destination_port)
    )


def _parse_v2(data: bytes) -> Header | None:
    if len(data) < _V2_BEGIN.size:
        return None
    _, command, family, length = _V2_BEGIN.unpack_from(data)
    size = _V2_BEGIN.size + length
    if size > _V2_SIZE:
        raise BadHeader(f"version 2 with {size} bytes")
    if command not in (_LOCAL, _PROXY):
        raise BadHeader("neither LOCAL nor PROXY of version 2")
    if len(data) < size:
        return None
    if command == _LOCAL:
        return Header(size)  # 2.2: the proxy's own connection, a health check perhaps
    if family & 0xF not in (0, _STREAM):
        raise BadHeader("version 2 about something else than a stream")
    if family >> 4 not in _FAMILIES:
        return Header(size)
    name, addresses = _FAMILIES[family >> 4]
    if length < addresses.size:
        raise BadHeader("version 2 that is too short for its addresses")
    source, destination, *ports = addresses.unpack_from(data, _V2_BEGIN.size)
    extensions = data[_V2_BEGIN.size + addresses.size : size]
    return Header(
        size,
        name,
        (_text_of(ipaddress.ip_address(source)), str(ports[0])),
        (_text_of(ipaddress.ip_address(destination)), str(ports[1])),
        _is_over_tls(extensions),
    )


def _text_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address as X-Forwarded-For would have it: an IPv4-mapped one (RFC 4291, 2.5.5.2) is an
    IPv4 address.  Raises ValueError for a zone, which means nothing on another host."""
    if getattr(address, "scope_id", None) is not None:
        raise ValueError("an address with a zone")
    return str(getattr(address, "ipv4_mapped", None) or address)


def _is_over_tls(extensions: bytes) -> bool:
    at = 0
    while at + _TLV.size <= len(extensions):
        kind, length = _TLV.unpack_from(extensions, at)
        at += _TLV.size
        if at + length > len(extensions):
            break
        if kind == _TLV_SSL and length:
            return bool(extensions[at] & _CLIENT_SSL)
        at += length
    if at != len(extensions):
        raise BadHeader("an extension of version 2 that is cut off")
    return False
