"""Where a request body begins and ends (RFC 9112, 6 and 7), without reading anything.

A decoder takes bytes as they come and answers the body's bytes among them and those that follow
its end.
"""

from __future__ import annotations

from typing import Any, Protocol

from hookserve_http import grammar
from hookserve_http.errors import BadRequest, BodyTooLarge, HeadTooLarge, UnknownCoding

_LONGEST_SIZE_LINE = 4096
_LONGEST_TRAILERS = 16384
_MOST_EXTENSIONS = 16384
_OTHER_CODINGS = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "identity"})


class Decoder(Protocol):
    """What both kinds of framing offer."""

    is_done: bool
    """Whether the body's end has been seen."""

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """The body's bytes in `data`, and what follows the body; raises BadRequest."""


class LengthDecoder:
    """A body whose length was declared."""

    __slots__ = ("is_done", "left")

    def __init__(self, length: int) -> None:
        self.left = length
        self.is_done = length == 0

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """As `Decoder.take`."""
        size = len(data)
        if size < self.left:
            self.left -= size
            return data, b""
        body, rest = data[: self.left], data[self.left :]
        self.left = 0
        self.is_done = True
        return body, rest


_SIZE, _DATA, _END, _TRAILERS = range(4)


class ChunkedDecoder:
    """A body in chunks; its trailers are checked and dropped."""

    __slots__ = ("_buffer", "_extensions", "_left", "_limit", "_state", "_total", "_trailers",
                 "is_done")  # fmt: skip

    def __init__(self, limit: int) -> None:
        self._buffer = b""
        self._extensions = 0
        self._left = 0
        self._limit = limit
        self._state = _SIZE
        self._total = 0
        self._trailers = 0
        self.is_done = False

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """As `Decoder.take`."""
        data = self._buffer + data
        found: list[bytes] = []
        at = 0
        while True:
            if self._state == _SIZE:
                at = self._take_whole(data, at, found)
            if self._state == _DATA:
                piece = data[at : at + self._left]
                found.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._state = _END
            elif self._state == _END:
                ending = data[at : at + 2]
                if ending != b"\r\n":
                    if b"\r\n".startswith(ending):
                        break
                    raise BadRequest("a chunk is not followed by CRLF")
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

    def _take_whole(self, data: bytes, at: int, found: list[bytes]) -> int:
        """Take the small chunks at `at` that are whole and plain; where the next one begins.

        Not one by one in `take`: a client that sends a byte a chunk would cost ten times the
        processor time.
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
        """The line at `at` and what follows it; no line when it is not yet whole."""
        limit = _LONGEST_SIZE_LINE if self._state == _SIZE else _LONGEST_TRAILERS
        end = data.find(b"\r\n", at)
        # A CR that came last may be the first half of the line's end.
        line = data[at:end] if end >= 0 else data[at:].removesuffix(b"\r")
        # What is beyond the limit may not have come yet: it must not change what is refused.
        start = line[:limit]
        if b"\n" in start or b"\r" in start:
            raise BadRequest("a bare CR or LF in the framing of the body")
        if len(line) > limit:
            raise HeadTooLarge("a chunk's size line or a trailer is too long")
        if end < 0:
            return None, at
        return line, end + 2

    def _begin_chunk(self, line: bytes) -> None:
        match = grammar.CHUNK_SIZE.match(line)
        if match is None:
            raise BadRequest("a chunk's size is none")
        self._left = int(match[0], 16)
        if match.end() < len(line):
            self._pass_over_extension(line, match.end())
        self._total += self._left
        if self._limit and self._total > self._limit:
            raise BodyTooLarge(f"a body of more than {self._limit} bytes")
        self._state = _DATA if self._left else _TRAILERS

    def _pass_over_extension(self, line: bytes, at: int) -> None:
        # RFC 9112, 7.1.1: they are ignored, and bounded.  One for each chunk may go on for as long
        # as the body does, if it is in proportion to the chunk.
        if not grammar.CHUNK_EXTENSION.fullmatch(line, at):
            raise BadRequest("a chunk's size is none")
        self._extensions = max(0, self._extensions + len(line) - at - 2 * self._left)
        if self._extensions > _MOST_EXTENSIONS:
            raise HeadTooLarge("too much in chunk extensions")

    def _end_trailer(self, line: bytes) -> bool:
        """Check a trailer; whether the line is the empty one after them."""
        if not line:
            return True
        self._trailers += len(line) + 2
        if self._trailers > _LONGEST_TRAILERS:
            raise HeadTooLarge("the trailers are too long")
        name, colon, value = line.partition(b":")
        if not colon or not grammar.TOKEN.fullmatch(name):
            raise BadRequest("an invalid trailer")
        if name.lower() in grammar.FORBIDDEN_TRAILERS:
            raise BadRequest("a trailer that is forbidden as one")
        if grammar.FORBIDDEN_IN_VALUE.search(value.strip(b" \t")):
            raise BadRequest("a trailer with a control character")
        return False


def decoder_for(environ: dict[str, Any], limit: int) -> Decoder | None:  # Any: PEP 3333
    """The framing that a head announces; `None`: there is no body.

    Raises BadRequest for what is ambiguous, BodyTooLarge for a length over `limit` (0: none).
    """
    coding = environ.get("HTTP_TRANSFER_ENCODING")
    length = environ.get("CONTENT_LENGTH")
    if coding is None:
        if length is None:
            return None
        size = int(length)
        if limit and size > limit:
            raise BodyTooLarge(f"a body of {size} bytes")
        return LengthDecoder(size) if size else None
    # RFC 9112, 6.1: both together, or a coding in HTTP/1.0, is how smuggling starts: refused.
    if length is not None:
        raise BadRequest("both Content-Length and Transfer-Encoding")
    if environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        raise BadRequest("Transfer-Encoding in HTTP/1.0")
    codings = [part.strip(" \t").lower() for part in coding.split(",")]
    # RFC 9110, 5.6.1.2: a recipient reads past empty elements; here one hides the last coding.
    if "chunked" not in codings and not set(codings) <= _OTHER_CODINGS:
        raise UnknownCoding("an unknown transfer coding")
    if codings[-1] != "chunked" or codings.count("chunked") > 1:
        raise BadRequest("chunked is not the last transfer coding")
    if len(codings) > 1:
        raise UnknownCoding("a transfer coding besides chunked")
    return ChunkedDecoder(limit)
