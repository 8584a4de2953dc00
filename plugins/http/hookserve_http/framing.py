"""Where a request body begins and ends (RFC 9112, 6 and 7), without reading anything.

A decoder takes bytes as they arrive.  It returns those of the body and those that follow the body.
"""

from __future__ import annotations

import sys
from typing import Any, Protocol

from hookserve_http import grammar
from hookserve_http.errors import BadRequest, BodyTooLarge, HeadTooLarge, UnknownCoding

_SIZE_LINE_LIMIT = 4096
_TRAILERS_LIMIT = 16384
_EXTENSIONS_LIMIT = 16384
_OTHER_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "identity"})


class Decoder(Protocol):
    """The interface of both kinds of framing."""

    is_done: bool
    """Whether the body's end has been seen."""

    @property
    def most_left(self) -> int:
        """How many bytes may still come."""

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """The body's bytes in `data`, and what follows the body; raises BadRequest."""


class LengthDecoder:
    """A body whose length was declared."""

    __slots__ = ("is_done", "most_left")

    def __init__(self, length: int) -> None:
        self.most_left = length
        self.is_done = length == 0

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """As `Decoder.take`."""
        size = len(data)
        if size < self.most_left:
            self.most_left -= size
            return data, b""
        body, rest = data[: self.most_left], data[self.most_left :]
        self.most_left = 0
        self.is_done = True
        return body, rest


_SIZE, _DATA, _END, _TRAILERS = range(4)


class ChunkedDecoder:
    """A body in chunks; its trailers are checked and dropped."""

    __slots__ = (
        "_buffer",
        "_extensions",
        "_left",
        "_limit",
        "_state",
        "_total",
        "_trailers",
        "is_done",
    )

    def __init__(self, limit: int) -> None:
        self._buffer = b""
        self._extensions = 0
        self._left = 0
        self._limit = limit
        self._state = _SIZE
        self._total = 0
        self._trailers = 0
        self.is_done = False

    @property
    def most_left(self) -> int:
        """As `Decoder.most_left`: nothing tells how many chunks follow."""
        return 0 if self.is_done else sys.maxsize

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """As `Decoder.take`."""
        data = self._buffer + data
        found: list[bytes] = []
        at = 0
        while True:
            if self._state == _SIZE:
                at = self._take_small_chunks(data, at, found)
            if self._state == _DATA:
                piece = data[at : at + self._left]
                found.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._state = _END
            elif self._state == _END:
                end = data[at : at + 2]
                if end != b"\r\n":
                    if b"\r\n".startswith(end):
                        break
                    raise BadRequest("chunk not followed by CRLF")
                at += 2
                self._state = _SIZE
            else:
                line, at = self._line(data, at)
                if line is None:
                    break
                if self._state == _SIZE:
                    self._begin_chunk(line)
                elif self._end_trailer(line):
                    self.is_done = True
                    return b"".join(found), data[at:]
        self._buffer = data[at:]
        return b"".join(found), b""

    def _take_small_chunks(self, data: bytes, at: int, found: list[bytes]) -> int:
        """Take the small, complete chunks without extensions at `at`; where the next one begins.

        A loop of its own: one byte a chunk would cost ten times the processor time in `take`.
        """
        match = grammar.SMALL_CHUNK.match
        total, most = self._total, self._limit or float("inf")
        while (size := match(data, at)) is not None:
            begin = size.end()
            end = begin + int(size[1], 16)
            if data[end : end + 2] != b"\r\n":
                break
            total += end - begin
            if total > most:
                break
            self._total = total
            found.append(data[begin:end])
            at = end + 2
        return at

    def _line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """The line at `at` and the position after it; `None` when it is not complete yet."""
        limit = _SIZE_LINE_LIMIT if self._state == _SIZE else _TRAILERS_LIMIT
        end = data.find(b"\r\n", at)
        # A CR at the end may be the first half of a CRLF.
        line = data[at:end] if end >= 0 else data[at:].removesuffix(b"\r")
        # Bytes beyond the limit may not have arrived yet, so they must not change the error.
        start = line[:limit]
        if b"\n" in start or b"\r" in start:
            raise BadRequest("bare CR or LF in the chunked framing")
        if len(line) > limit:
            raise HeadTooLarge("chunk size line or trailer too long")
        if end < 0:
            return None, at
        return line, end + 2

    def _begin_chunk(self, line: bytes) -> None:
        match = grammar.CHUNK_SIZE.match(line)
        if match is None:
            raise BadRequest("invalid chunk size")
        self._left = int(match[0], 16)
        if match.end() < len(line):
            self._skip_extension(line, match.end())
        self._total += self._left
        if self._limit and self._total > self._limit:
            raise BodyTooLarge(f"request body larger than {self._limit} bytes")
        self._state = _DATA if self._left else _TRAILERS

    def _skip_extension(self, line: bytes, at: int) -> None:
        # RFC 9112, 7.1.1: extensions are ignored, and their total size is limited.  An extension
        # of up to twice its chunk's size is free, so a long body may have one in each chunk.
        if not grammar.CHUNK_EXTENSION.fullmatch(line, at):
            raise BadRequest("invalid chunk extension")
        self._extensions = max(0, self._extensions + len(line) - at - 2 * self._left)
        if self._extensions > _EXTENSIONS_LIMIT:
            raise HeadTooLarge("chunk extensions too large")

    def _end_trailer(self, line: bytes) -> bool:
        """Check a trailer; whether the line is the empty one after them."""
        if not line:
            return True
        self._trailers += len(line) + 2
        if self._trailers > _TRAILERS_LIMIT:
            raise HeadTooLarge("trailers too large")
        name, colon, value = line.partition(b":")
        if not colon or not grammar.TOKEN.fullmatch(name):
            raise BadRequest("invalid trailer")
        if name.lower() in grammar.FORBIDDEN_TRAILERS:
            raise BadRequest("forbidden trailer field")
        if grammar.FORBIDDEN_IN_VALUE.search(value.strip(b" \t")):
            raise BadRequest("control character in a trailer")
        return False


def decoder_for(environ: dict[str, Any], limit: int) -> Decoder | None:  # Any: PEP 3333
    """The framing that a head declares; `None`: there is no body.

    Raises BadRequest for ambiguous framing, BodyTooLarge for a length over `limit` (0: no limit).
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    length = environ.get("CONTENT_LENGTH")
    if coding is None:
        if length is None:
            return None
        size = int(length)
        if limit and size > limit:
            raise BodyTooLarge(f"request body of {size} bytes, larger than {limit}")
        return LengthDecoder(size) if size else None
    # RFC 9112, 6.1: both together, or a coding in HTTP/1.0, allows request smuggling: refused.
    if length is not None:
        raise BadRequest("both Content-Length and Transfer-Encoding")
    if environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        raise BadRequest("Transfer-Encoding in HTTP/1.0")
    codings = [part.strip(" \t").lower() for part in coding.split(",")]
    # RFC 9110, 5.6.1.2 ignores empty elements; here one would hide the last coding: refused.
    if "chunked" not in codings and not set(codings) <= _OTHER_CODINGS:
        raise UnknownCoding("unknown transfer coding")
    if codings[-1] != "chunked" or codings.count("chunked") > 1:
        raise BadRequest("chunked is not the last transfer coding")
    if len(codings) > 1:
        raise UnknownCoding("transfer coding other than chunked")
    return ChunkedDecoder(limit)
