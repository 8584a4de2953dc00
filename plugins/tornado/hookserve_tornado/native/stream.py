"""A connection that the application has taken over (`HTTPConnection.detach`), as tornado's stream.

It has no descriptor: what the client sends comes through the connection, and what is written goes
through it, so TLS and whatever else lies between is the server's.  All that tornado's streams can
do they inherit; here is what they call for bytes, and what tells them when to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookserve_http.suspendable import HIGH_WATER
from tornado.ioloop import IOLoop
from tornado.iostream import BaseIOStream

if TYPE_CHECKING:
    from hookserve_tornado.native.exchange import TornadoExchange

_NO_DESCRIPTOR = -1


class ConnectionStream(BaseIOStream):
    """The client's bytes, and a way back."""

    socket = None
    """There is none of the application's."""

    def __init__(self, exchange: TornadoExchange) -> None:
        super().__init__()
        self._exchange = exchange
        self._received = bytearray()
        self._has_ended = False
        """Whether the client sends no more."""
        self._readiness = _Readiness(self, self.io_loop)
        self.io_loop = self._readiness  # type: ignore[assignment]  # what a stream calls of a loop

    # What the exchange calls.

    @property
    def is_full(self) -> bool:
        """Whether the client is not to be read from for now."""
        return len(self._received) >= HIGH_WATER

    def feed(self, data: bytes) -> None:
        """Take bytes of the client's."""
        self._received += data
        self._readiness.check()

    def end_input(self) -> None:
        """The client sends no more."""
        self._has_ended = True
        self._readiness.check()

    def on_room(self) -> None:
        """The client has taken all that was written."""
        self._readiness.check()

    @property
    def is_readable(self) -> bool:
        """Whether a read does not wait."""
        return bool(self._received) or self._has_ended

    @property
    def is_writable(self) -> bool:
        """Whether a write does not wait."""
        return self._exchange.has_room

    # What a stream of tornado's calls.

    def fileno(self) -> int:
        """No descriptor; tornado hands it to its loop."""
        return _NO_DESCRIPTOR

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """As of tornado's streams."""
        size = min(len(buf), len(self._received))
        if not size:
            return 0 if self._has_ended else None
        was_full = self.is_full
        buf[:size] = self._received[:size]
        del self._received[:size]
        if was_full and not self.is_full:
            self._exchange.resume_reading()
        return size

    def write_to_fd(self, data: memoryview) -> int:
        """As of tornado's streams."""
        try:
            if not self._exchange.has_room:
                raise BlockingIOError
            self._exchange.send_raw(bytes(data))
            return len(data)
        finally:
            del data  # an exception would keep it, and the buffer could not change

    def close_fd(self) -> None:
        """As of tornado's streams."""
        self._exchange.end_response()


class _Readiness:
    """What a stream takes for its loop: tells it when it can read or write."""

    READ, WRITE, ERROR = IOLoop.READ, IOLoop.WRITE, IOLoop.ERROR

    def __init__(self, stream: ConnectionStream, loop: IOLoop) -> None:
        self._stream = stream
        self._loop = loop
        self._handler: Callable[[int, int], None] | None = None
        self._interest = 0
        self._is_due = self._is_busy = False

    def __getattr__(self, name: str) -> Any:  # Any: whatever a loop has
        return getattr(self._loop, name)

    def add_handler(self, _: object, handler: Callable[[int, int], None], events: int) -> None:
        """As of tornado's loop."""
        self._handler = handler
        self.update_handler(_NO_DESCRIPTOR, events)

    def update_handler(self, _: object, events: int) -> None:
        """As of tornado's loop."""
        self._interest = events
        self._check_soon()

    def remove_handler(self, _: object) -> None:
        """As of tornado's loop."""
        self._handler = None

    def check(self) -> None:
        """Tell the stream what it waits for, if that is there."""
        events = self._ready()
        if self._handler is None or not events or self._is_busy:
            return
        self._is_busy = True
        try:
            self._handler(_NO_DESCRIPTOR, events)
        finally:
            self._is_busy = False
        self._check_soon()

    def _ready(self) -> int:
        can_read = self.READ if self._stream.is_readable else 0
        can_write = self.WRITE if self._stream.is_writable else 0
        return self._interest & (can_read | can_write)

    def _check_soon(self) -> None:
        """A loop tells it as long as it is so."""
        if not self._is_due and self._handler is not None and self._ready():
            self._is_due = True
            self._loop.add_callback(self._on_due)

    def _on_due(self) -> None:
        self._is_due = False
        self.check()
