"""What the kernel knows of a TCP connection (tcp(7), TCP_INFO)."""

from __future__ import annotations

import _socket
import sys
from struct import Struct
from struct import error as StructError

_LAST_DATA_RECEIVED = Struct("=52xI")
"""Where ``struct tcp_info`` has tcpi_last_data_recv, in milliseconds (linux/tcp.h)."""


def seconds_since_received(fd: int) -> float:
    """How long ago the last bytes came on a connection, read by anyone or not; 0 where the kernel
    does not say, as of unix sockets and beside Linux."""
    if sys.platform != "linux":
        return 0.0
    try:
        connected = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, fd)
    except OSError:  # no socket
        return 0.0
    try:
        info = connected.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, _LAST_DATA_RECEIVED.size)
        (milliseconds,) = _LAST_DATA_RECEIVED.unpack(info)
    except (OSError, StructError):
        return 0.0
    finally:
        connected.detach()
    return float(milliseconds) / 1000.0
