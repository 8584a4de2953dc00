"""What an exchange has besides once its application waits for something."""

from __future__ import annotations

import asyncio
import os
from typing import NamedTuple

from hookserve.protocol.seam import Transport


class _FilePart(NamedTuple):
    """A stretch of a file that is to be sent, by a descriptor of our own."""

    fileno: int
    offset: int
    size: int


class Suspension(Transport):
    """The task of a suspended application, what it waits for, and what it has sent meanwhile.

    As a transport it keeps what is sent until `send_to` is called with one of the worker's.
    """

    __slots__ = (
        "_kept",
        "_unsent",
        "pending",
        "receivers",
        "room",
        "sends_files",
        "task",
        "timer",
    )

    def __init__(self) -> None:
        self.task: asyncio.Task[object] | None = None
        """`None` until the application has suspended for the first time."""
        self.pending: list[bytes | _FilePart] = []
        self.sends_files = False
        """Whether the worker's transports do."""
        self.receivers: list[asyncio.Future[None]] = []
        """Those that wait for an event."""
        self.room: asyncio.Future[None] | None = None
        """Done when the client has taken what was sent."""
        self.timer: asyncio.TimerHandle | None = None
        """Of `request_timeout`."""
        self._kept = self._unsent = 0

    @property
    def unsent(self) -> int:
        """As `Transport.unsent`, with what is kept here."""
        return self._unsent + self._kept

    def begin(self, task: asyncio.Task[object], transport: Transport) -> None:
        """The application has suspended for the first time; `transport` is the worker's."""
        self.task = task
        self._unsent = transport.unsent
        self.sends_files = type(transport).send_file is not Transport.send_file

    def send(self, *buffers: bytes) -> None:
        """Keep the buffers."""
        self.pending.extend(buffers)
        self._kept += sum(map(len, buffers))

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """Keep the stretch of a file."""
        if not self.sends_files:
            raise NotImplementedError
        count = min(count, max(0, os.fstat(fileno).st_size - offset))
        self.pending.append(_FilePart(os.dup(fileno), offset, count))
        return count

    def receive(self, size: int) -> bytes:
        """Bodies are fed, not received."""
        raise AssertionError("nothing is received")

    def send_to(self, transport: Transport) -> None:
        """Send what was kept; raises OSError when the client is gone."""
        if self.pending:
            self._send_pending(transport)
            self._unsent = transport.unsent
            if not self._unsent:
                self.drained()

    def _send_pending(self, transport: Transport) -> None:
        pending, self.pending, self._kept = self.pending, [], 0
        buffers: list[bytes] = []
        try:
            for each in pending:
                if not isinstance(each, _FilePart):
                    buffers.append(each)
                    continue
                if buffers:
                    transport.send(*buffers)
                    buffers = []
                transport.send_file(*each)
            if buffers:
                transport.send(*buffers)
        finally:
            _close(*pending)

    def drained(self) -> None:
        """The client has taken all that was sent."""
        self._unsent = 0
        room, self.room = self.room, None
        if room is not None and not room.done():
            room.set_result(None)

    def wake(self) -> None:
        """There is an event."""
        receivers, self.receivers = self.receivers, []
        for each in receivers:
            if not each.done():
                each.set_result(None)

    def close(self) -> None:
        """The response was handed over."""
        self.drained()
        _close(*self.pending)
        self.pending, self._kept = [], 0
        if self.timer is not None:
            self.timer.cancel()


def _close(*parts: bytes | _FilePart) -> None:
    for each in parts:
        if isinstance(each, _FilePart):
            os.close(each.fileno)
