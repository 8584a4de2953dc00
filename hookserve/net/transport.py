"""The transport of models that may block: a non-blocking descriptor, and waiting for it.

Raw descriptors, not socket objects: making one costs a getsockname(2) and two microseconds for
each connection, and buys nothing that os.read and os.write do not do.
"""

from __future__ import annotations

import math
import os
import select
from collections.abc import Callable

from hookserve.protocol import Transport

_JOIN_LIMIT = 32768
"""Up to this many bytes one copy is cheaper than a gathered write."""
_IOV_MAX = 1024
_SLICE = 1.0


class SocketTransport(Transport):
    """Sends to and receives from `fd`, which may be set anew for each exchange: a worker that runs
    one exchange at a time needs one transport in its life.

    `progress` is called whenever a slow client has moved; waiting for it is bounded by the
    timeouts, in seconds, 0 meaning for ever.
    """

    __slots__ = ("_body_timeout", "_progress", "_write_timeout", "fd")

    def __init__(
        self, body_timeout: float, write_timeout: float, progress: Callable[[], None]
    ) -> None:
        self.fd = -1
        self._body_timeout = body_timeout
        self._write_timeout = write_timeout
        self._progress = progress

    def send(self, *buffers: bytes) -> None:
        """Hand all of the buffers to the kernel."""
        if len(buffers) == 1:
            data = buffers[0]
        elif sum(map(len, buffers)) <= _JOIN_LIMIT:
            data = b"".join(buffers)
        else:
            self._send_gathered(buffers)
            return
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:])

    def receive(self, size: int) -> bytes:
        """At least one byte; empty at the end."""
        while True:
            try:
                return os.read(self.fd, size)
            except BlockingIOError:
                self._wait(select.POLLIN, self._body_timeout, "send its request body")

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """Send part of a file with sendfile(2)."""
        left = count
        while left:
            try:
                sent = os.sendfile(self.fd, fileno, offset, left)
            except BlockingIOError:
                self._wait(select.POLLOUT, self._write_timeout, "read the response")
                continue
            if not sent:
                break
            offset += sent
            left -= sent
            self._progress()
        return count - left

    def _send_gathered(self, buffers: tuple[bytes, ...]) -> None:
        views = [memoryview(buffer) for buffer in buffers if buffer]
        while views:
            try:
                sent = os.writev(self.fd, views[:_IOV_MAX])
            except BlockingIOError:
                self._wait(select.POLLOUT, self._write_timeout, "read the response")
                continue
            while views and sent >= len(views[0]):
                sent -= len(views.pop(0))
            if sent:
                views[0] = views[0][sent:]

    def _send_rest(self, view: memoryview) -> None:
        while view:
            self._wait(select.POLLOUT, self._write_timeout, "read the response")
            try:
                view = view[os.write(self.fd, view) :]
            except BlockingIOError:
                pass

    def _wait(self, event: int, timeout: float, what: str) -> None:
        """Wait until the client moves; raises TimeoutError when it does not."""
        poll = select.poll()
        poll.register(self.fd, event)
        left = timeout or math.inf
        while left > 0:
            # Waiting for a slow client is no silence of the worker's: it says so as it waits.
            self._progress()
            if poll.poll(min(left, _SLICE) * 1000.0):
                self._progress()
                return
            left -= _SLICE
        raise TimeoutError(f"the client did not {what} for {timeout:g} s")
