"""``wsgi.input``: a request body as the application reads it (PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import IO

from hookserve_http.errors import BadRequest, BodyCutOff
from hookserve_http.framing import Decoder

_RECEIVE_SIZE = 65536
_LARGEST_RECEIVE = 1 << 20


class EmptyInput:
    """The body of a request that has none; it has no state, so one serves all."""

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
    """A body that is received as it is read, in bounded memory.

    The reading methods raise BadRequest when the framing is broken, BodyCutOff when the client
    goes away, TimeoutError when it is too slow.
    """

    __slots__ = ("_before", "_buffer", "_decoder", "_failure", "_initial", "_receive", "rest")

    def __init__(
        self,
        decoder: Decoder,
        initial: bytes,
        receive: Callable[[int], bytes],
        before: Callable[[], None] | None,
        begun: bytes = b"",
    ) -> None:
        self._decoder = decoder
        self._receive = receive
        self._before = before
        self._failure: Exception | None = None
        self.rest = b""
        """What followed the body in what was received: the beginning of the next request."""
        self._buffer = begun
        self._initial = initial

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has been received."""
        return self._decoder.is_done

    @property
    def was_asked_for(self) -> bool:
        """Whether the client knows that it may send the body."""
        return self._before is None

    @property
    def timed_out(self) -> TimeoutError | None:
        """What the reading methods raised when the client was too slow."""
        return self._failure if isinstance(self._failure, TimeoutError) else None

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes, fewer only at the end; all that is left without a size."""
        if size is None or size < 0:
            return self._read_all()
        if size <= len(self._buffer):
            data, self._buffer = self._buffer[:size], self._buffer[size:]
            return data
        parts, have = [self._buffer], len(self._buffer)
        self._buffer = b""
        while have < size and self._more(size - have):
            parts.append(self._buffer)
            have += len(self._buffer)
            self._buffer = b""
        data = b"".join(parts)
        data, self._buffer = data[:size], data[size:]
        return data

    def readline(self, size: int | None = -1) -> bytes:
        """One line with its end, or `size` bytes of it."""
        limit = -1 if size is None or size < 0 else size
        parts: list[bytes] = []
        have = 0
        while limit < 0 or have < limit:
            if not self._buffer and not self._more(_RECEIVE_SIZE):
                break
            end = self._buffer.find(b"\n") + 1 or len(self._buffer)
            if limit >= 0:
                end = min(end, limit - have)
            part, self._buffer = self._buffer[:end], self._buffer[end:]
            parts.append(part)
            have += end
            if part.endswith(b"\n"):
                break
        return b"".join(parts)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """All lines, or as many as have `hint` bytes together."""
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

    def discard(self, limit: int) -> bool:
        """Read and drop the rest of the body, at most `limit` bytes; whether it was all."""
        self._buffer = b""
        try:
            while not self._decoder.is_done and limit > 0:
                if not self._more(_RECEIVE_SIZE):
                    break
                limit -= len(self._buffer)
                self._buffer = b""
        except (BadRequest, OSError):
            return False
        return self._decoder.is_done

    def release(self) -> None:
        """The exchange is over: an application that has kept the input reads no further, for the
        transport is another client's by then."""
        self._receive, self._before = _nothing_more, None

    def _read_all(self) -> bytes:
        parts = [self._buffer]
        self._buffer = b""
        while self._more(_RECEIVE_SIZE):
            parts.append(self._buffer)
            self._buffer = b""
        return b"".join(parts)

    def _more(self, size: int) -> bool:
        """Receive until there is something in the buffer; false at the end of the body."""
        while not self._decoder.is_done:
            if self._failure is not None:
                raise self._failure
            if self._before is not None:
                before, self._before = self._before, None
                before()
            try:
                data, self._initial = self._initial, b""
                data = data or self._receive(min(max(size, _RECEIVE_SIZE), _LARGEST_RECEIVE))
                if not data:
                    raise BodyCutOff("the client went away before its body was complete")
                self._take(data)
            except (BadRequest, OSError) as error:
                self._failure = error
                raise
            if self._buffer:
                return True
        return bool(self._buffer)

    def _take(self, data: bytes) -> None:
        body, rest = self._decoder.take(data)
        self._buffer += body
        self.rest += rest


def _nothing_more(size: int) -> bytes:
    raise BodyCutOff("the exchange that this body belongs to is over")


class CollectedInput:
    """A body that is collected before the application runs; it grows in memory, then in a file."""

    __slots__ = ("_file", "_make_file", "_spool_size", "decoder", "rest", "size")

    def __init__(
        self, decoder: Decoder, spool_size: int, make_file: Callable[[], IO[bytes]]
    ) -> None:
        self.decoder = decoder
        self._spool_size = spool_size
        self._make_file = make_file
        # Not a list of parts: a body that comes byte by byte would take many times its size.
        self._file: IO[bytes] = BytesIO()
        self.size = 0
        """Bytes of the body so far."""
        self.rest = b""

    @property
    def is_complete(self) -> bool:
        """Whether the whole body has arrived."""
        return self.decoder.is_done

    def take(self, data: bytes) -> None:
        """Add what has arrived; raises BadRequest."""
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
        """Let go of the file."""
        self._file.close()
