"""What the kernel knows of both sides of a TCP connection over IPv4 (sock_diag(7), on Linux).

A test that must not go on before the server has accepted, read or closed waits for these.  On other
systems each of them pauses and returns true: what it waits for has most probably happened by then.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

from hookserve.system import sockdiag

_PAUSE = 0.2
"""Seconds, on systems that do not say."""
_IS_KNOWN = sys.platform == "linux"

_REPLY = struct.Struct("=xB2x48xIIIII")
"""The state; then when it expires, bytes to read, bytes that are not acknowledged, user, inode."""
_ESTABLISHED, _CLOSE_WAIT = 1, 8
_OWNED = sum(1 << state for state in (1, 2, 4, 5, 7, 8, 9, 11))
"""The states in which a process may have a connection: not SYN_RECV, TIME_WAIT and LISTEN."""
_CLIENT = struct.Struct("!6xH")
"""The port of the other side."""


class _Side(NamedTuple):
    state: int
    unread: int
    """Bytes that no recv(2) has taken."""
    unsent: int
    """Bytes that the other side has not acknowledged."""
    has_descriptor: bool
    """Whether a process has accepted it, and has not closed it."""


def is_accepted(client: socket.socket) -> bool:
    """Whether a process has a descriptor of the server's side."""
    if not _IS_KNOWN:
        return _pause()
    side = _both(client)[1]
    return side is not None and side.has_descriptor


def is_delivered(client: socket.socket) -> bool:
    """Whether all that the client has sent is on the server's side, read or not."""
    if not _IS_KNOWN:
        return _pause()
    side = _both(client)[0]
    return side is None or not side.unsent


def is_read(client: socket.socket) -> bool:
    """Whether the server has read all that the client has sent, or has closed the connection."""
    if not _IS_KNOWN:
        return _pause()
    side = _both(client)[1]
    if side is None or not side.has_descriptor:
        return _is_over(side)
    return is_delivered(client) and not side.unread


def is_stalled(client: socket.socket) -> bool:
    """Whether the server has sent more than the client has acknowledged."""
    if not _IS_KNOWN:
        return _pause()
    side = _both(client)[1]
    return side is not None and side.unsent > 0


def is_closed(client: socket.socket) -> bool:
    """Whether the server has closed the connection, though all that it sent may not have come."""
    if not _IS_KNOWN:
        return _pause()
    side = _both(client)[1]
    return side is None or (not side.has_descriptor and _is_over(side))


def clients_of(pid: int, port: int) -> set[int]:
    """The client ports of the connections to a local port that a process has: those that accept(2)
    has given it and close(2) has not taken.  What waits to be accepted is not among them.

    Exact for a process that is suspended; Linux only.  Raises OSError when there is no process.
    """
    found = {}
    for reply in sockdiag.find_all(socket.AF_INET, port, _OWNED):
        inode = _REPLY.unpack_from(reply)[-1]
        if inode:
            (found[f"socket:[{inode}]"],) = _CLIENT.unpack_from(reply)
    clients = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed a moment ago
            clients.add(found.get(os.readlink(descriptor), 0))
    return clients - {0}


def _is_over(side: _Side | None) -> bool:
    """Of a side without a descriptor: it has been closed; or else it waits to be accepted."""
    return side is None or side.state not in (_ESTABLISHED, _CLOSE_WAIT)


def _pause() -> bool:
    time.sleep(_PAUSE)
    return True


def _both(client: socket.socket) -> tuple[_Side | None, _Side | None]:
    """The client's side and the server's; `None` for one that is over."""
    try:
        addresses = client.getsockname(), client.getpeername()
    except OSError as error:
        if error.errno == errno.ENOTCONN:
            return None, None
        raise
    return _side(*addresses), _side(*reversed(addresses))


def _side(local: tuple[str, int], remote: tuple[str, int]) -> _Side | None:
    """What the kernel knows of a socket; `None` when there is none.  Raises OSError."""
    sides = [(port, socket.inet_aton(host)) for host, port in (local, remote)]
    try:
        reply = sockdiag.find(socket.AF_INET, *sides)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise
    state, _, unread, unsent, _, inode = _REPLY.unpack_from(reply)
    return _Side(state, unread, unsent, bool(inode))
