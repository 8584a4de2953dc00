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
_QUEUE_OFFSET: Final = 24
"""Of ``tcpi_unacked`` and ``tcpi_sacked`` in struct tcp_info: here, the length of the accept queue
and its bound."""


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


def has_handshake(port: int) -> bool:
    """Whether a client that has the server's reply may believe that it is connected: its last
    segment is under way, or the kernel holds it back (TCP_DEFER_ACCEPT).

    False where the kernel does not tell.
    """
    if sys.platform != "linux":
        return False
    try:
        families = (_socket.AF_INET, _socket.AF_INET6)
        return any(sockdiag.has_state(family, port, sockdiag.SYN_RECV) for family in families)
    except OSError:  # a sandbox, or a kernel without sock_diag
        return False


def stop_listening(listening: _socket.socket) -> bool:
    """End the socket for all processes, so that new clients are refused at once (shutdown(2) on
    a listening socket).

    Returns false, and does nothing, while a client waits in its queue.  Where the kernel does not
    tell, as in some sandboxes, it does nothing and returns true.
    """
    try:
        info = listening.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, _TCP_INFO_SIZE)
        length, bound = unpack_from("II", info, _QUEUE_OFFSET)
        if length:
            return False
        if bound:
            listening.shutdown(_socket.SHUT_RD)
    except OSError:  # it listens no more
        pass
    return True
