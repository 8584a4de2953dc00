"""From ``start_response`` to the bytes of a response head.

What an application says again and again is validated and encoded once and remembered, within
bounds: its statuses, its header pairs, and both together once it has said each pair before, so
that a response of which one value is new each time leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hookserve_http import grammar
from hookserve_http.errors import ApplicationError

_REMEMBERED = 1024
_REMEMBERED_SIZE = 256
_REMEMBERED_HEADS = 64
_REMEMBERED_HEAD = 1024
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Header = tuple[str, str]
Line = tuple[bytes, int]
"""The encoded header line, empty when it is not sent, and the length that it declares or -1."""

Encoded = tuple[int, bytes, int]
"""The code, the application's part of the head, and the length that it declares or -1."""


class HeadWriter:
    """Encodes statuses and header pairs, and keeps the Date; one a listener and worker.

    Threads share it without a lock: what is remembered is asked once and the answer used, for
    another thread may clear the memory in between, and the Date is one object with the second that
    it is of.
    """

    __slots__ = ("_calendar", "_clock", "_dated", "_encoded", "_lines", "_statuses")

    def __init__(
        self, wall_clock: Callable[[], float], calendar: Callable[[float], tuple[int, ...]]
    ) -> None:
        self._clock = wall_clock
        self._calendar = calendar
        self._dated = -1.0, b""
        self._statuses: dict[str, tuple[bytes, int, bool]] = {}
        self._lines: dict[Header, Line] = {}
        self._encoded: dict[tuple[Any, ...], Encoded] = {}  # Any: a status and header pairs

    def date(self) -> bytes:
        """The lines Date and Server, made anew each second (RFC 9110, 6.6.1)."""
        second, lines = self._dated
        now = self._clock()
        if not 0.0 <= now - second < 1.0:
            second = now // 1.0
            lines = f"Date: {_http_date(self._calendar(second))}\r\nServer: hookserve\r\n".encode()
            self._dated = second, lines
        return lines

    def encode(self, status: str, headers: Iterable[Header]) -> Encoded:
        """What `start_response` was given, for the wire; raises ApplicationError."""
        said = (status, *headers)
        try:
            found = self._encoded.get(said)
        except TypeError:  # a list: PEP 3333 wants tuples, others take it
            found = None
        return found or self._encode(said)

    def _encode(self, said: tuple[Any, ...]) -> Encoded:  # Any: whatever the application says
        is_new = said[0] not in self._statuses
        start, code, is_bodiless = self._status(said[0])
        lines = [start]
        declared = -1
        for header in said[1:]:
            try:
                found = self._lines.get(header)
            except TypeError:
                found = None
            is_new = is_new or found is None
            line, length = found or self._learn(header)
            if length >= 0:
                if declared >= 0:
                    raise ApplicationError("there are two Content-Lengths")
                declared = length
                if is_bodiless and code != 304:
                    continue  # RFC 9110, 8.6: no Content-Length with these
            lines.append(line)
        encoded = code, b"".join(lines), -1 if is_bodiless else declared
        if not is_new and len(encoded[1]) <= _REMEMBERED_HEAD:
            if len(self._encoded) >= _REMEMBERED_HEADS:
                self._encoded.clear()
            self._encoded[said] = encoded
        return encoded

    def line(self, header: Header) -> bytes:
        """A header pair as a line of an interim response, which has no length (RFC 9110, 8.6);
        raises ApplicationError."""
        line, length = self._learn(header)
        return line if length < 0 else b""

    def _status(self, status: str) -> tuple[bytes, int, bool]:
        found = self._statuses.get(status)
        if found is not None:
            return found
        if not _is_text(status) or not grammar.STATUS.fullmatch(status):
            raise ApplicationError(f"the status {status!r} is none")
        if len(self._statuses) >= _REMEMBERED:
            self._statuses.clear()
        code = int(status[:3])
        # RFC 9112, 4: the space after the code is there without a phrase too.
        space = "" if len(status) > 3 else " "
        line = "".join(("HTTP/1.1 ", status, space, "\r\n")).encode("latin-1")
        found = line, code, is_bodiless(code)
        self._statuses[status] = found
        return found

    def _learn(self, header: Header) -> Line:
        try:
            name, value = header
        except (TypeError, ValueError):
            raise ApplicationError(f"the header {header!r} is no pair") from None
        if not (_is_text(name) and _is_text(value)):
            raise ApplicationError(f"the header {header!r} is not of two native strings")
        if not grammar.TOKEN_TEXT.fullmatch(name):
            raise ApplicationError(f"the header name {name!r} is none")
        if grammar.FORBIDDEN_IN_VALUE_TEXT.search(value):
            raise ApplicationError(f"the value of the header {name} has a control character")
        try:
            # Joined, not formatted: what a subclass says of itself was not looked at.
            encoded = "".join((name, ": ", value, "\r\n")).encode("latin-1")
        except UnicodeEncodeError:
            raise ApplicationError(f"the value of the header {name} is not latin-1") from None
        line = _classify(name.lower(), value, encoded)
        if len(encoded) <= _REMEMBERED_SIZE and name.lower() != "set-cookie":
            if len(self._lines) >= _REMEMBERED:
                self._lines.clear()
            self._lines[name, value] = line
        return line


def _is_text(value: object) -> bool:
    # Subclasses of str are what templates make; PEP 3333 is stricter than anybody needs.
    return isinstance(value, str)


def is_bodiless(code: int) -> bool:
    """Whether a response with that status has no content (RFC 9110, 6.4.1 and 15.3.6)."""
    return code in (204, 205, 304)


def _classify(name: str, value: str, encoded: bytes) -> Line:
    if name == "content-length":
        if not grammar.DIGITS.fullmatch(value.strip(" \t")):
            raise ApplicationError(f"the Content-Length {value!r} is no number")
        return encoded, int(value)
    if name in grammar.HOP_BY_HOP or name in ("date", "server"):
        return b"", -1
    return encoded, -1


def _http_date(at: tuple[int, ...]) -> str:
    """IMF-fixdate (RFC 9110, 5.6.7), whatever the locale; `at` is as of time.gmtime."""
    year, month, day, hour, minute, second, weekday = at[:7]
    date = f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year}"
    return f"{date} {hour:02}:{minute:02}:{second:02} GMT"
