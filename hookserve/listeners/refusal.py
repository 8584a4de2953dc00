"""Refusing new TCP connections in all processes that hold a listening socket, without losing one.

Linux alone: elsewhere a client is refused once the last process has closed the socket.
"""

from __future__ import annotations

import _socket
import sys
from array import array
from struct import pack, unpack_from
from typing import Final

from hookserve.system import sockdiag

_SO_ATTACH_FILTER: Final = 26
_NO_SYN: Final = (
    pack("HBBI", 0x30, 0, 0, 13),  # the byte of the TCP header that has the flags
    pack("HBBI", 0x45, 0, 1, 0x02),  # is SYN among them?
    pack("HBBI", 0x06, 0, 0, 0),  # then it never came
    pack("HBBI", 0x06, 0, 0, 0xFFFFFFFF),
)
"""A program for the socket filter (bpf(2)) that drops the first segment of each connection."""
_TCP_INFO_SIZE: Final = 104
_QUEUE_LENGTH_OFFSET: Final = 24
"""Of ``tcpi_unacked`` in struct tcp_info, which is the length of the accept queue here."""


def drop_handshakes(listening: _socket.socket) -> None:
    """Let no new client into the queue: the kernel behaves as if its SYN had been lost."""
    if sys.platform != "linux":
        return
    program = array("B", b"".join(_NO_SYN))
    try:
        listening.setsockopt(
            _socket.SOL_SOCKET,
            _SO_ATTACH_FILTER,
            pack("HP", len(_NO_SYN), program.buffer_info()[0]),
        )
    except OSError:  # a sandbox may not have it
        pass


def stop_listening(listening: _socket.socket, port: int) -> bool:
    """End the socket for all processes, so that new clients are refused at once (shutdown(2) on
    a listening socket).

    Returns false, and does nothing, while a client waits in its queue or is about to.
    """
    if _is_awaited(listening, port):
        return False
    try:
        listening.shutdown(_socket.SHUT_RD)
    except OSError:  # another process was first
        pass
    return True


def _is_awaited(listening: _socket.socket, port: int) -> bool:
    try:
        info = listening.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, _TCP_INFO_SIZE)
    except OSError:  # it listens no more
        return False
    (queued,) = unpack_from("I", info, _QUEUE_LENGTH_OFFSET)
    return queued > 0 or _has_handshake(port)


def _has_handshake(port: int) -> bool:
    """Whether a client that has the server's answer may believe that it is connected."""
    try:
        families = (_socket.AF_INET, _socket.AF_INET6)
        return any(sockdiag.has_state(family, port, sockdiag.SYN_RECV) for family in families)
    except OSError:  # a sandbox, or a kernel without sock_diag
        return False
