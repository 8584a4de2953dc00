"""The events of a response: from what an application sends to bytes (ASGI, "HTTP & WebSocket")."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve_http.errors import ApplicationError
from hookserve_http.response import with_phrase
from hookserve_http.suspendable import SuspendableExchange

if TYPE_CHECKING:
    from hookserve_asgi.scope import Message

_PIECE = 65536
"""Bytes of a file that are read at once where the kernel cannot send it."""


class AsgiResponse(SuspendableExchange):
    """Takes the events in their order; raises ApplicationError for one that may not come."""

    NOT_BEGUN = "the application has sent no http.response.start"

    __slots__ = ("_fields", "_trailers")

    _fields: list[tuple[bytes, bytes]]
    """The application's header fields."""
    _trailers: list[bytes] | None
    """Those that have come, where trailers were announced."""

    def take(self, message: Message) -> Iterator[None] | None:
        """Take an event; raises OSError when the client is gone.

        An iterator sends a file, a piece at each step, where the kernel cannot.
        """
        kind = message["type"]
        if self.has_ended:
            raise ApplicationError(f"{kind} after the end of the response")
        if kind == "http.response.body":
            body = message.get("body", b"")
            if type(body) is not bytes and isinstance(body, (bytearray, memoryview)):
                body = bytes(body)
            if message.get("more_body") or self._trailers is not None:
                self.write_body(body)
            else:
                self.send_whole(body)
                self.has_ended = True
        elif kind == "http.response.start":
            if self.status_code:
                raise ApplicationError("http.response.start was sent twice")
            self._fields = headers = list(message.get("headers", ()))
            writer = self.endpoint.writer
            self.status_code, self.head_lines, self.content_length, self.own_lines = (
                writer.encode_bytes(message["status"], headers)
            )
            if message.get("trailers"):
                self._trailers = []
        else:
            return self._take_other(kind, message)
        return None

    def _take_other(self, kind: str, message: Message) -> Iterator[None] | None:
        if kind == "http.response.pathsend":
            with open(message["path"], "rb") as file:
                return self._send_file(file.fileno(), 0, os.fstat(file.fileno()).st_size, True)
        elif kind == "http.response.zerocopysend":
            return self._take_stretch(message)
        elif kind == "http.response.early_hint":
            self._take_hint(message)
        elif kind == "http.response.trailers":
            self._take_trailers(message)
        else:
            raise ApplicationError(f"there is no event {kind!r}")
        return None

    def send_head(self) -> None:
        """Send the head alone, if the application has begun a response and sent none of it."""
        if self.status_code and not self.head_sent:
            self.send_bytes(self.make_head(-1))

    def _take_hint(self, message: Message) -> None:
        """103 Early Hints (RFC 8297)."""
        if self.is_http11 and not self.head_sent:
            line = self.endpoint.writer.line
            links = [line(("Link", str(each, "latin-1"))) for each in message["links"]]
            self.send_bytes(b"HTTP/1.1 103 Early Hints\r\n", *links, b"\r\n")

    def _take_trailers(self, message: Message) -> None:
        """The fields after a chunked body (RFC 9112, 7.1.2)."""
        if self._trailers is None or not self.head_sent or self.has_ended:
            raise ApplicationError("trailers were not announced, or come before the body's end")
        for name, value in message.get("headers", ()):
            pair = str(name, "latin-1"), str(value, "latin-1")
            self._trailers.append(self.endpoint.writer.line(pair))
        if not message.get("more_trailers"):
            if self.is_chunked:
                self.send_bytes(b"0\r\n", *self._trailers, b"\r\n")
                self.is_chunked = False
            self.end_body()
            self.has_ended = True

    def _take_stretch(self, message: Message) -> Iterator[None] | None:
        """A part of a file that is open, from its position where no offset is given."""
        file = message["file"]
        fileno = file if isinstance(file, int) else file.fileno()
        offset, count = message.get("offset"), message.get("count")
        begin = os.lseek(fileno, 0, os.SEEK_CUR) if offset is None else offset
        left = max(0, os.fstat(fileno).st_size - begin)
        count = left if count is None else min(left, count)
        if offset is None:
            os.lseek(fileno, begin + count, os.SEEK_SET)
        return self._send_file(fileno, begin, count, not message.get("more_body"))

    def _send_file(
        self, fileno: int, offset: int, count: int, is_last: bool
    ) -> Iterator[None] | None:
        """Send part of a file, by the kernel where it can; returns as `take` does."""
        if not self.head_sent:
            self.send_bytes(self.make_head(count if self.content_length < 0 and is_last else -1))
        if 0 <= self.content_length < self.sent + count:
            self.warn("the body is longer than its Content-Length; the rest was cut off")
            count = self.content_length - self.sent
        if count and not self.is_bodiless and not self._send_by_kernel(fileno, offset, count):
            return self._send_pieces(os.dup(fileno), offset, count, is_last)
        self._end_file(is_last)
        return None

    def _send_by_kernel(self, fileno: int, offset: int, count: int) -> bool:
        if self.is_chunked:
            return False
        try:
            self.sent += self.transport.send_file(fileno, offset, count)
        except NotImplementedError:
            return False
        except OSError as error:
            self.on_disconnect(error)
            raise
        return True

    def _send_pieces(self, fileno: int, offset: int, count: int, is_last: bool) -> Iterator[None]:
        try:
            while count > 0 and (data := os.pread(fileno, min(count, _PIECE), offset)):
                self.write_body(data)
                offset += len(data)
                count -= len(data)
                yield
        finally:
            os.close(fileno)
        self._end_file(is_last)

    def _end_file(self, is_last: bool) -> None:
        if is_last:
            self.end_body()
            self.has_ended = True

    def complete_record(self) -> None:
        """What hooks and logs read of a response, as of one of WSGI."""
        if self.status_code and not self.status:
            self.headers = [
                (str(name, "latin-1"), str(value, "latin-1")) for name, value in self._fields
            ]
            self.status = with_phrase(self.status_code)
