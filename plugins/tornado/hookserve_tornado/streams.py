"""The connections of tornado's server: how long their clients may take, and which may be evicted.

tornado has a deadline for a head and a total one for a body, and none for a reader.  Here bodies
and readers have the deadlines of every worker: a pause, and for a body a least rate.
"""

from __future__ import annotations

import math
import socket
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from tornado.iostream import IOStream

from hookserve.reactor.poller import is_readable

if TYPE_CHECKING:
    import asyncio

    from hookserve.config.resolved import Config

_PAUSE = 0.2
"""Seconds between two looks at the deadlines, while there are any."""
_LONG_IDLE = 0.2
"""A client that has been idle for so many seconds will hardly send its next request right now."""


class ObservedStream(IOStream):
    """A connection; `on_blocked` is called when its client reads no more, `on_closed` last."""

    def __init__(
        self,
        connected: socket.socket,
        on_blocked: Callable[[ObservedStream], None],
        on_closed: Callable[[ObservedStream], None],
    ) -> None:
        super().__init__(connected)
        self._on_blocked = on_blocked
        self._on_closed = on_closed
        self.idle_since = monotonic()
        """When the connection was accepted or its last request ended; infinite when a byte has
        come since (monotonic seconds)."""
        self.body_began = math.inf
        """When the body that is awaited began."""
        self.body_received = 0
        self.received_at = math.inf
        self.blocked_since = math.inf
        """When the kernel took something of the response last and not all; infinite: it did."""

    def begin_idle(self) -> None:
        """A request has ended."""
        self.idle_since = monotonic()

    def begin_body(self) -> None:
        """A body is awaited."""
        self.body_began = self.received_at = monotonic()
        self.body_received = 0

    def end_body(self) -> None:
        """It is complete."""
        self.body_began = self.received_at = math.inf

    @property
    def is_waited_for(self) -> bool:
        """Whether the client has a deadline."""
        return min(self.body_began, self.blocked_since) < math.inf

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """As of tornado's stream."""
        count = super().read_from_fd(buf)
        if count:
            self.idle_since = math.inf
            self.body_received += count
            if self.body_began < math.inf:
                self.received_at = monotonic()
        return count

    def write_to_fd(self, data: memoryview) -> int:
        """As of tornado's stream."""
        self.blocked_since = math.inf
        try:
            return super().write_to_fd(data)
        except BlockingIOError:
            self.blocked_since = monotonic()
            self._on_blocked(self)
            raise

    def close_fd(self) -> None:
        """As of tornado's stream."""
        super().close_fd()
        self._on_closed(self)


class Streams:
    """The open connections of one worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop, config: Config) -> None:
        self._loop = loop
        self._body_timeout = config.body_timeout or math.inf
        self._body_rate: float = config.body_rate
        self._write_timeout = config.write_timeout or math.inf
        self._open: dict[ObservedStream, None] = {}
        self._watched: set[ObservedStream] = set()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, stream: ObservedStream) -> None:
        """A connection was accepted."""
        self._open[stream] = None

    def discard(self, stream: ObservedStream) -> None:
        """It is closed."""
        self._open.pop(stream, None)
        self._watched.discard(stream)

    def has_unread(self) -> bool:
        """Whether something has arrived that is not read yet."""
        return any(is_readable(each.socket.fileno()) for each in self._open)

    def find_evictable(self) -> ObservedStream | None:
        """The connection that has been idle longest, unless that began a moment ago."""
        longest = min(self._open, key=lambda each: each.idle_since)
        return longest if longest.idle_since <= monotonic() - _LONG_IDLE else None

    def watch(self, stream: ObservedStream) -> None:
        """Close the connection when its client is too slow."""
        if not self._watched:
            self._loop.call_later(_PAUSE, self._check)
        self._watched.add(stream)

    def _check(self) -> None:
        now = monotonic()
        for stream in list(self._watched):
            if not stream.is_waited_for:
                self._watched.discard(stream)
            elif now >= self._deadline(stream):
                stream.close()
        if self._watched:
            self._loop.call_later(_PAUSE, self._check)

    def _deadline(self, stream: ObservedStream) -> float:
        write = stream.blocked_since + self._write_timeout
        body = stream.received_at + self._body_timeout
        if self._body_rate:
            allowed = self._body_timeout + stream.body_received / self._body_rate
            body = min(body, stream.body_began + allowed)
        return min(body, write)
