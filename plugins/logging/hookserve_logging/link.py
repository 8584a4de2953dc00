"""One connection to a log daemon: it takes whole messages and never waits."""

from __future__ import annotations

import _socket
import errno
import os
from select import POLLOUT
from typing import NamedTuple

from hookserve.system.calls import Socket, make_poll

_NO_SIGNAL = getattr(_socket, "MSG_NOSIGNAL", 0)


class Target(NamedTuple):
    """Where a daemon may be reached (socket(2))."""

    family: int
    kind: int
    address: str | tuple[object, ...]
    end: bytes = b""
    """What ends a message in a stream."""


class Link:
    """A connection to one target; raises OSError where connecting fails at once."""

    def __init__(self, target: Target) -> None:
        self.is_stream = target.kind == _socket.SOCK_STREAM
        self.unconfirmed: bytes | None = None
        """Over UDP what was sent last: a refusal of it is the error of the next call (udp(7))."""
        self.is_confirmed = False
        """Whether the daemon has taken a message."""
        self._end = target.end
        self._is_udp = not self.is_stream and target.family != _socket.AF_UNIX
        self._sent = 0
        """Bytes of the current message that are sent already."""
        self._socket = Socket(target.family, target.kind)
        self._socket.setblocking(False)
        try:
            code = self._socket.connect_ex(target.address)
            if code not in (0, errno.EINPROGRESS):
                raise OSError(code, os.strerror(code))
        except OSError:
            self._socket.close()
            raise
        self._is_connecting = code != 0

    def wait(self, limit: float) -> None:
        """Wait until it is connected, for at most `limit` seconds; raises OSError."""
        if not self._is_connecting:
            return
        if not self._is_writable(limit):
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        code = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
        self._is_connecting = False

    def send(self, message: bytes) -> None:
        """Send a message, or the rest of it.

        Raises BlockingIOError when it must be sent again later, and OSError when the connection
        has failed.
        """
        if self._is_connecting and not self._is_writable(0.0):
            raise BlockingIOError(errno.EAGAIN, "not connected yet")
        self._is_connecting = False
        if self.is_stream:
            self._send_in_stream(message + self._end)
            self.is_confirmed = True
            return
        self._socket.send(message, _NO_SIGNAL)
        self.is_confirmed = not self._is_udp or self.unconfirmed is not None
        self.unconfirmed = message if self._is_udp else None

    def close(self) -> None:
        """Close this process's descriptor."""
        self._socket.close()

    def _send_in_stream(self, data: bytes) -> None:
        if not self._sent and self._has_ended():
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        self._sent += self._socket.send(data[self._sent :], _NO_SIGNAL)
        if self._sent < len(data):
            raise BlockingIOError(errno.EAGAIN, "a part is sent")
        self._sent = 0

    def _has_ended(self) -> bool:
        """Whether the daemon has closed the connection: what is sent then is lost silently."""
        try:
            return not self._socket.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False

    def _is_writable(self, limit: float) -> bool:
        poll = make_poll()
        poll.register(self._socket.fileno(), POLLOUT)
        return bool(poll.poll(limit * 1000))
