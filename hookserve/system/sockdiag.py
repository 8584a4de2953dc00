"""Questions to the kernel about TCP and unix sockets: sock_diag(7), which exists on Linux alone."""

from __future__ import annotations

import _socket
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_SOCK_DIAG, _BY_FAMILY = 4, 20
_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_QUERY = struct.Struct("=BBBBI")
_PORTS_AND_ADDRESSES = struct.Struct("!HH16s16s")
_ANY_INTERFACE, _ANY_COOKIE = bytes(4), b"\xff" * 8
_ALL_STATES = 0xFFFFFFFF
_UNIX_QUERY = struct.Struct("=BBHIII8s")
_SHOW_QUEUE = 0x10
"""linux/unix_diag.h: UDIAG_SHOW_RQLEN."""
_QUEUE_ATTRIBUTE = 4
"""linux/unix_diag.h: UNIX_DIAG_RQLEN."""
_LISTEN = 10
SYN_RECV = 3
"""The state of a handshake whose last segment has not come yet (tcp_states.h)."""

Side = tuple[int, bytes]
"""A port, and an address in network order."""


def find(family: int, local: Side, remote: Side) -> bytes:
    """``struct inet_diag_msg`` of one socket; raises OSError, with ENOENT when there is none."""
    return next(_ask(_query(family, _ALL_STATES, local, remote), 0))


def has_state(family: int, port: int, state: int) -> bool:
    """Whether any socket of that local port is in that state; raises OSError."""
    return any(True for _ in find_all(family, port, 1 << state))


def find_all(family: int, port: int, states: int) -> Iterator[bytes]:
    """``struct inet_diag_msg`` of each socket of that local port; `states` has a bit for each state
    (``1 << SYN_RECV``).  Raises OSError."""
    return _ask(_query(family, states, (port, b""), (0, b"")), _DUMP)


class Queue(NamedTuple):
    """The accept queue of a listening socket."""

    inode: int
    """Of the socket, as fstat(2) has it."""
    length: int
    """Connections that wait to be accepted."""
    limit: int
    """How many may wait."""


def tcp_queues(family: int) -> Iterator[Queue]:
    """Of every listening TCP socket of this network namespace; raises OSError."""
    for body in _ask(_query(family, 1 << _LISTEN, (0, b""), (0, b"")), _DUMP):
        length, limit, _, inode = struct.unpack_from("=IIII", body, 56)
        yield Queue(inode, length, limit)


def unix_queues(inode: int) -> Iterator[Queue]:
    """Of the unix socket with that inode; raises OSError, with ENOENT when there is none."""
    query = _UNIX_QUERY.pack(_socket.AF_UNIX, 0, 0, _ALL_STATES, inode, _SHOW_QUEUE, _ANY_COOKIE)
    body = next(_ask(query, 0))
    at = 16
    while at + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, at)
        if kind == _QUEUE_ATTRIBUTE:
            yield Queue(inode, *struct.unpack_from("=II", body, at + 4))
        at += max(4, size + -size % 4)


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
