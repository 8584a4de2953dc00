"""Questions to the kernel about TCP sockets: sock_diag(7), which exists on Linux alone."""

from __future__ import annotations

import _socket
import os
import struct
from collections.abc import Iterator

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_SOCK_DIAG, _BY_FAMILY = 4, 20
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBBI")
_PORTS_AND_ADDRESSES = struct.Struct("!HH16s16s")
_ANY_INTERFACE, _ANY_COOKIE = bytes(4), b"\xff" * 8
_ALL_STATES = 0xFFFFFFFF
SYN_RECV = 3
"""The state of a handshake whose last segment has not come yet (tcp_states.h)."""

Side = tuple[int, bytes]
"""A port, and an address in network order."""


def find(family: int, local: Side, remote: Side) -> bytes:
    """``struct inet_diag_msg`` of one socket; raises OSError, with ENOENT when there is none."""
    return next(_ask(_query(family, _ALL_STATES, local, remote), 0))


def has_state(family: int, port: int, state: int) -> bool:
    """Whether any socket of that local port is in that state; raises OSError."""
    query = _query(family, 1 << state, (port, b""), (0, b""))
    return any(True for _ in _ask(query, _DUMP))


def _query(family: int, states: int, local: Side, remote: Side) -> bytes:
    ports = _PORTS_AND_ADDRESSES.pack(local[0], remote[0], local[1], remote[1])
    start = _QUERY.pack(family, _socket.IPPROTO_TCP, 0, 0, states)
    return start + ports + _ANY_INTERFACE + _ANY_COOKIE


def _ask(query: bytes, flags: int) -> Iterator[bytes]:
    """The replies to a query."""
    kernel = _socket.socket(_socket.AF_NETLINK, _socket.SOCK_DGRAM, _SOCK_DIAG)
    try:
        size = _HEADER.size + len(query)
        kernel.send(_HEADER.pack(size, _BY_FAMILY, _REQUEST | flags, 1, 0) + query)
        while True:
            data = kernel.recv(1 << 16)
            at = 0
            while at < len(data):
                size, kind, *_ = _HEADER.unpack_from(data, at)
                body = data[at + _HEADER.size : at + size]
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    (code,) = struct.unpack_from("=i", body)
                    raise OSError(-code, os.strerror(-code))
                yield body
                at += size + -size % 4
            if not flags:
                return
    finally:
        kernel.close()
