"""Transports over a non-blocking descriptor, for models that may wait and for those that may not.

Raw descriptors, not socket objects: making one costs a getsockname(2) and two microseconds for
each connection, and buys nothing that os.read and os.write do not do.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from time import monotonic
from typing import IO, TYPE_CHECKING

from hookserve.protocol.seam import Transport
from hookserve.reactor.outbox import Outbox
from hookserve.reactor.poller import FOR_EVER
from hookserve.system.calls import LONGEST_WAIT, make_poll, read, write
from hookserve.system.tcpinfo import seconds_since_received

if TYPE_CHECKING:
    from hookserve.protocol.lent import LentSocket

HandOver = Callable[[int, bytes, "Callable[[], object] | None"], "LentSocket"]
"""As `Transport.take_over`, for the connection of a descriptor."""

_JOIN_LIMIT = 32768
"""Up to this many bytes one copy is cheaper than a gathered write."""
_IOV_MAX = 1024
_SLICE = 1.0
HOLD = 1 << 26
"""Bytes of a response that a slow reader may leave unsent before a thread waits for it."""
MEMORY = 1 << 20
"""How many of them stay in memory."""


def _nothing() -> None:
    pass


class SocketTransport(Transport):
    """Sends to and receives from `fd`, which may be set anew for each exchange: a worker that runs
    one exchange at a time needs one transport in its life.

    Waiting for a slow client is bounded by the timeouts, in seconds, 0 meaning for ever, and for
    a request body by a least rate besides: `body_timeout` and a second for each `body_rate` bytes
    that have come.  `progress` is called once a second while it waits, whatever the client does.

    Up to `hold` bytes that the kernel would not take are left in `outbox` instead of being waited
    for; with 0, the default, everything is sent when `send` returns.
    """

    __slots__ = (
        "_body_began",
        "_body_rate",
        "_body_timeout",
        "_hold",
        "_progress",
        "_received",
        "_write_timeout",
        "fd",
        "hand_over",
        "outbox",
    )

    def __init__(
        self,
        body_timeout: float,
        write_timeout: float,
        progress: Callable[[], object],
        hold: float = 0,
        body_rate: float = 0,
    ) -> None:
        self.fd = -1
        self.outbox: Outbox | None = None
        """What was left unsent; the reactor takes it and sets `None` in its place."""
        self._body_timeout = body_timeout
        self._write_timeout = write_timeout
        self._progress = progress
        self._hold = hold
        self._body_rate = body_rate
        self._body_began = FOR_EVER
        self._received = 0
        self.hand_over: HandOver | None = None
        """`Takeovers.hand_over`, where an exchange may take its connection over."""

    def send(self, *buffers: bytes) -> None:
        """Hand all of the buffers to the kernel, or leave a little in `outbox`."""
        if self.outbox is not None:
            self._send_behind(buffers)
            return
        if len(buffers) == 1:
            data = buffers[0]
        else:
            data = b"".join(buffers) if sum(map(len, buffers)) <= _JOIN_LIMIT else b""
        try:
            sent = write(self.fd, data) if data else os.writev(self.fd, buffers[:_IOV_MAX])
        except BlockingIOError:
            sent = 0
        if sent != len(data) or not data:
            self._keep_rest((data,) if data else buffers, sent)

    def receive(self, size: int) -> bytes:
        """At least one byte; empty at the end."""
        while True:
            try:
                data = read(self.fd, size)
            except BlockingIOError:
                self._wait_for_body()
                continue
            self._received += len(data)
            return data

    @property
    def unsent(self) -> int:
        """As `Transport.unsent`."""
        return 0 if self.outbox is None else self.outbox.kept

    def waited(self) -> float:
        """As `Transport.waited`: of TCP, to a thousandth of a second."""
        return seconds_since_received(self.fd)

    def take_over(self, received: bytes, on_leave: Callable[[], object] | None) -> LentSocket:
        """As `Transport.take_over`; what has been sent before is waited for."""
        if self.hand_over is None:
            raise NotImplementedError
        self._relieve(0)
        return self.hand_over(self.fd, received, on_leave)

    def begin_body(self) -> None:
        """As `Transport.begin_body`."""
        self._body_began = FOR_EVER
        self._received = 0

    def _wait_for_body(self) -> None:
        """Wait for more of the body, no longer than its least rate allows."""
        now = monotonic()
        if self._body_began == FOR_EVER:
            self._body_began = now
        left = self._body_timeout or FOR_EVER
        if self._body_rate and self._body_timeout:
            allowed = self._body_timeout + self._received / self._body_rate
            left = min(left, self._body_began + allowed - now)
        if left <= 0:
            raise TimeoutError("the client did not send its request body fast enough")
        self._wait(select.POLLIN, left, "send its request body")

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """Send part of a file with sendfile(2)."""
        self._relieve(0)
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
        return count - left

    def _keep_rest(self, buffers: tuple[bytes, ...], sent: int) -> None:
        outbox = self._make_outbox()
        for buffer in buffers:
            if sent >= len(buffer):
                sent -= len(buffer)
            else:
                outbox.add(memoryview(buffer)[sent:])
                sent = 0
        if outbox:
            self.outbox = outbox
            self._relieve(self._hold)

    def _send_behind(self, buffers: tuple[bytes, ...]) -> None:
        assert self.outbox is not None
        for buffer in buffers:
            self.outbox.add(buffer)
        self._relieve(self._hold)

    def _make_outbox(self) -> Outbox:
        return Outbox()

    def _relieve(self, hold: float) -> None:
        """Wait until no more than `hold` bytes are unsent."""
        outbox = self.outbox
        while outbox is not None:
            if outbox.flush(self.fd):
                self.outbox = None
                return
            if outbox.kept <= hold:
                return
            self._wait(select.POLLOUT, self._write_timeout, "read the response")

    def _wait(self, event: int, timeout: float, what: str) -> None:
        """Wait until the client moves; raises TimeoutError when it does not."""
        left = timeout or FOR_EVER
        while left > 0:
            # A worker that waits for a slow client is alive, and is not to be replaced.
            self._progress()
            if self._poll(event, min(left, _SLICE)):
                return
            left -= _SLICE
        raise TimeoutError(f"the client did not {what} for {timeout:g} s")

    def _poll(self, event: int, seconds: float) -> bool:
        """Whether `select.POLLIN` or `POLLOUT` came within some seconds; green models have a
        waiting of their own."""
        poll = make_poll()
        poll.register(self.fd, event)
        return bool(poll.poll(min(seconds, LONGEST_WAIT) * 1000.0))


class SpoolingTransport(SocketTransport):
    """Waits for a slow reader only when a lot is unsent: what the kernel would not take is left in
    `outbox`, up to `hold` bytes.  Of those `memory` bytes stay in memory, with whatever was handed
    over in one piece; the others go to a file that `make_file` opens.
    """

    __slots__ = ("_make_file", "_memory")

    def __init__(
        self,
        body_timeout: float,
        write_timeout: float,
        progress: Callable[[], object],
        make_file: Callable[[], IO[bytes]],
        hold: float = HOLD,
        memory: int = MEMORY,
        body_rate: float = 0,
    ) -> None:
        super().__init__(body_timeout, write_timeout, progress, hold, body_rate)
        self._memory = memory
        self._make_file = make_file

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """Send part of a file with sendfile(2), the rest of it later."""
        sent = 0
        if self.outbox is None:
            try:
                sent = os.sendfile(self.fd, fileno, offset, count)
            except BlockingIOError:
                sent = 0
            if sent == count:
                return count
            self.outbox = self._make_outbox()
        left = min(count, max(0, os.fstat(fileno).st_size - offset)) - sent
        if left > 0:
            try:
                self.outbox.add_file(fileno, offset + sent, left)
            except OSError:  # no descriptor: wait for the reader instead
                return sent + super().send_file(fileno, offset + sent, left)
        return sent + max(0, left)

    def _send_behind(self, buffers: tuple[bytes, ...]) -> None:
        assert self.outbox is not None
        has_room = True
        for buffer in buffers:
            has_room &= self.outbox.spool(buffer)
        self._relieve(self._hold if has_room else min(self._hold, self._memory))

    def _make_outbox(self) -> Outbox:
        return Outbox(self._memory, self._make_file)


class LoopTransport(SpoolingTransport):
    """Waits for no reader, however much is unsent, as long as there is room to keep it.

    Bodies are complete before an exchange runs (`Worker.buffered`), so nothing is ever received.
    """

    __slots__ = ()

    def __init__(
        self,
        make_file: Callable[[], IO[bytes]],
        memory: int = MEMORY,
        write_timeout: float = 0.0,
        progress: Callable[[], object] = _nothing,
    ) -> None:
        super().__init__(0.0, write_timeout, progress, make_file, FOR_EVER, memory)

    def receive(self, size: int) -> bytes:
        """There is nothing to receive: the body was complete."""
        return b""

    def _relieve(self, hold: float) -> None:
        if hold < FOR_EVER:
            super()._relieve(hold)
