"""What an exchange has besides once its application waits for something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import Transport

if TYPE_CHECKING:
    import asyncio


class Suspension(Transport):
    """The task of a suspended application, what it waits for, and what it has sent meanwhile.

    As a transport it keeps what is sent until `send_to` is called with one of the worker's.
    """

    __slots__ = ("_kept", "_unsent", "has_begun", "pending", "receivers", "room", "task", "timer")

    has_begun: bool
    """Whether the application has suspended for the first time."""
    task: asyncio.Task[object] | None
    """The one that runs the application, where it is known."""
    pending: list[Any]  # Any: bytes, and what a derived class keeps
    """What was sent since `send_to` was called for the last time."""
    receivers: list[asyncio.Future[None]]
    """Those that wait for an event."""
    room: asyncio.Future[None] | None
    """Done when the client has taken what was sent."""
    timer: asyncio.TimerHandle | None
    """Of `request_timeout`."""

    def __init__(self) -> None:
        self.has_begun = False
        self.task = None
        self.pending = []
        self.receivers = []
        self.room = None
        self.timer = None
        self._kept = self._unsent = 0

    @property
    def unsent(self) -> int:
        """As `Transport.unsent`, with what is kept here."""
        return self._unsent + self._kept

    def begin(self, task: asyncio.Task[object] | None, transport: Transport) -> None:
        """The application has suspended for the first time; `transport` is the worker's."""
        self.has_begun = True
        self.task = task
        self._unsent = transport.unsent

    def send(self, *buffers: bytes) -> None:
        """Keep the buffers."""
        self.pending.extend(buffers)
        self._kept += sum(map(len, buffers))

    def receive(self, size: int) -> bytes:
        """Bodies are fed, not received."""
        raise AssertionError("nothing is received")

    def send_to(self, transport: Transport) -> None:
        """Send what was kept; raises OSError when the client is gone."""
        if self.pending:
            pending, self.pending, self._kept = self.pending, [], 0
            self.send_parts(transport, pending)
            self._unsent = transport.unsent
            if not self._unsent:
                self.drained()

    def send_parts(self, transport: Transport, pending: list[Any]) -> None:  # Any: as above
        """Send what was kept, in its order; raises OSError."""
        transport.send(*pending)

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
        self.pending, self._kept = [], 0
        if self.timer is not None:
            self.timer.cancel()
