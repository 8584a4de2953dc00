"""What an exchange has besides once its application waits for something."""

from __future__ import annotations

import asyncio

from hookserve.protocol.seam import Transport


class Suspension(Transport):
    """The task of a suspended application, what it waits for, and what it has sent meanwhile.

    As a transport it keeps what is sent until `send_to` is called with one of the worker's.
    """

    __slots__ = ("_unsent", "pending", "receivers", "room", "task", "timer")

    def __init__(self) -> None:
        self.task: asyncio.Task[object] | None = None
        """`None` until the application has suspended for the first time."""
        self.pending: list[bytes] = []
        self.receivers: list[asyncio.Future[None]] = []
        """Those that wait for an event."""
        self.room: asyncio.Future[None] | None = None
        """Done when the client has taken what was sent."""
        self.timer: asyncio.TimerHandle | None = None
        """Of `request_timeout`."""
        self._unsent = 0

    @property
    def unsent(self) -> int:
        """As `Transport.unsent`, when something was sent for the last time."""
        return self._unsent

    @unsent.setter
    def unsent(self, count: int) -> None:
        self._unsent = count

    def send(self, *buffers: bytes) -> None:
        """Keep the buffers."""
        self.pending.extend(buffers)

    def receive(self, size: int) -> bytes:
        """Bodies are fed, not received."""
        raise AssertionError("nothing is received")

    def send_to(self, transport: Transport) -> None:
        """Send what was kept; raises OSError when the client is gone."""
        if self.pending:
            pending, self.pending = self.pending, []
            transport.send(*pending)
            self._unsent = transport.unsent

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
        if self.timer is not None:
            self.timer.cancel()
