"""``wsgi.input``: a request body as the application reads it (PEP 3333)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO

from hookserve_http.errors import BadRequest, BodyCutOff
from hookserve_http.framing import Decoder

_RECEIVE_SIZE = 65536
_LARGEST_RECEIVE = 1 << 20
DRAIN_LIMIT = 65536
"""Bytes of a body that are drained for the sake of the next request."""


class EmptyInput:
    """The input of a request without a body; it has no state, so all requests share one."""

    __slots__ = ()

    def read(self, size: int | None = -1) -> bytes:
        """Always empty."""
        return b""

    def readline(self, size: int | None = -1) -> bytes:
        """Always empty."""
        return b""

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Always empty."""
        return []

    def __iter__(self) -> Iterator[bytes]:
        return iter(())


class StreamInput:
    """A body that is received as the application reads it, in bounded memory.

    The reading methods raise BadRequest when the framing is invalid, BodyCutOff when the client
    disconnects, TimeoutError when it is too slow.
    """

    __slots__ = (
        "_at",
        "_buffer",
        "_failure",
        "_initial",
        "_receive",
        "_send_continue",
        "decoder",
        "rest",
    )

    def __init__(
        self,
        decoder: Decoder,
        initial: bytes,
        receive: Callable[[int], bytes],
        send_continue: Callable[[], None] | None,
        received: bytes = b"",
    ) -> None:
        self.decoder = decoder
        self._receive = receive
        self._send_continue = send_continue
        self._failure: Exception | None = None
        self.rest = b""
        """Received bytes that follow the body: the beginning of the next request."""
        self._buffer = received
        self._at = 0
        """Bytes of the buffer that were read: to cut them off each time would copy the rest."""
        self._initial = initial

    @property
    def timed_out(self) -> TimeoutError | None:
        """The error that the reading methods raised because the client was too slow."""
        return self._failure if isinstance(self._failure, TimeoutError) else None

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes, fewer only at the end; without a size the rest of the body."""
        if size is None or size < 0:
            return self._read_all()
        if size <= len(self._buffer) - self._at:
            return self._take_buffer(self._at + size)
        parts = [self._take_buffer()]
        have = len(parts[0])
        while have < size and self._more(size - have):
            part = self._take_buffer(size - have)
            parts.append(part)
            have += len(part)
        return b"".join(parts)

    def readline(self, size: int | None = -1) -> bytes:
        """One line with its line feed, or its first `size` bytes."""
        limit = -1 if size is None or size < 0 else size
        parts: list[bytes] = []
        have = 0
        while limit < 0 or have < limit:
            if not self._buffer and not self._more(_RECEIVE_SIZE):
                break
            end = self._buffer.find(b"\n", self._at) + 1 or len(self._buffer)
            if limit >= 0:
                end = min(end, self._at + limit - have)
            part = self._take_buffer(end)
            parts.append(part)
            have += len(part)
            if part.endswith(b"\n"):
                break
        return b"".join(parts)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """All lines, or the first ones that have `hint` bytes together."""
        lines: list[bytes] = []
        total = 0
        for line in self:
            lines.append(line)
            total += len(line)
            if hint is not None and 0 < hint <= total:
                break
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def take_arrived(self) -> None:
        """Decode what was received with the head, if the application has not read it."""
        data, self._initial = self._initial, b""
        if data and self._failure is None:
            try:
                self._take(data)
            except BadRequest as error:
                self._failure = error

    def can_drain(self) -> bool:
        """Whether the connection may stay open: what is left of the body is little, and its client
        sends it.  It would be taken for the next request otherwise (RFC 9112, 9.3).  Right after
        `take_arrived`."""
        if self._failure is not None or self._send_continue is not None:
            return False
        return self.decoder.most_left <= DRAIN_LIMIT

    def release(self) -> None:
        """End the exchange: an application that keeps the input must not read the next request."""
        self._receive, self._send_continue = _raise_released, None

    def _read_all(self) -> bytes:
        parts = [self._take_buffer()]
        while self._more(_RECEIVE_SIZE):
            parts.append(self._take_buffer())
        return b"".join(parts)

    def _take_buffer(self, end: int = sys.maxsize) -> bytes:
        """The unread bytes of the buffer up to the position `end`."""
        data = self._buffer[self._at : end]
        if end >= len(self._buffer):
            self._buffer, self._at = b"", 0
        else:
            self._at = end
        return data

    def _more(self, size: int) -> bool:
        """Receive until the buffer has data; false at the end of the body."""
        while not self.decoder.is_done:
            if self._failure is not None:
                raise self._failure
            if self._send_continue is not None:
                send_continue, self._send_continue = self._send_continue, None
                send_continue()
            try:
                data, self._initial = self._initial, b""
                data = data or self._receive(min(max(size, _RECEIVE_SIZE), _LARGEST_RECEIVE))
                if not data:
                    raise BodyCutOff("the client disconnected before its request body was complete")
                self._take(data)
            except (BadRequest, OSError) as error:
                self._failure = error
                raise
            if self._buffer:
                return True
        return bool(self._buffer)

    def _take(self, data: bytes) -> None:
        body, rest = self.decoder.take(data)
        self._buffer += body
        self.rest += rest


def _raise_released(size: int) -> bytes:
    raise BodyCutOff("the request of this body is over")


class DrainedBody:
    """What the application has not read of a body: taken as it arrives, and dropped."""

    __slots__ = ("_decoder",)

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    @property
    def is_complete(self) -> bool:
        """Whether the body has ended."""
        return self._decoder.is_done

    def take(self, data: bytes) -> bytes:
        """Drop received bytes; returns those after the body."""
        return self._decoder.take(data)[1]

    def close(self) -> None:
        """Nothing to release."""


class CollectedInput:
    """A body that is complete before the application runs: in memory, or in a file if large."""

    __slots__ = ("_file", "_make_file", "_spool_size", "decoder", "rest", "size")

    def __init__(
        self, decoder: Decoder, spool_size: int, make_file: Callable[[], IO[bytes]]
    ) -> None:
        self.decoder = decoder
        self._spool_size = spool_size
        self._make_file = make_file
        # Not a list of parts: a body that arrives byte by byte would take many times its size.
        self._file: IO[bytes] = BytesIO()
        self.size = 0
        """Bytes of the body so far."""
        self.rest = b""

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self.decoder.is_done

    def take(self, data: bytes) -> None:
        """Add received bytes; raises BadRequest."""
        body, rest = self.decoder.take(data)
        self.rest += rest
        self.size += len(body)
        if self.size > self._spool_size:
            memory = self._file
            if isinstance(memory, BytesIO):
                self._file = self._make_file()
                self._file.write(memory.getvalue())
        self._file.write(body)

    def open(self) -> IO[bytes]:
        """The body as a binary file, from its beginning."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()
