"""From ``start_response`` to the bytes of a response head.

What an application says again and again (its status, its header pairs) is validated and encoded
once and remembered, within bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from hookserve_http import grammar
from hookserve_http.errors import ApplicationError

_REMEMBERED = 1024
_REMEMBERED_SIZE = 256
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

PLAIN, LENGTH, DROPPED = range(3)
"""What a header pair is to the server: sent as it is, the declared length, not sent."""

Line = tuple[bytes, int, int]
"""The encoded header line, what it is, and the length that it declares."""


class HeadWriter:
    """Encodes statuses and header pairs, and keeps the Date; one a listener and worker."""

    __slots__ = ("_clock", "_date", "_lines", "_second", "_statuses")

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._clock = wall_clock
        self._second = -1
        self._date = b""
        self._statuses: dict[str, tuple[bytes, int]] = {}
        self._lines: dict[tuple[str, str], Line] = {}

    def date(self) -> bytes:
        """The lines Date and Server, made anew each second (RFC 9110, 6.6.1)."""
        second = int(self._clock())
        if second != self._second:
            self._second = second
            self._date = f"Date: {_http_date(second)}\r\nServer: hookserve\r\n".encode()
        return self._date

    def status(self, status: str) -> tuple[bytes, int]:
        """The status line and the code; raises ApplicationError."""
        found = self._statuses.get(status)
        if found is None:
            if type(status) is not str or not grammar.STATUS.fullmatch(status):
                raise ApplicationError(f"the status {status!r} is none")
            if len(self._statuses) >= _REMEMBERED:
                self._statuses.clear()
            found = f"HTTP/1.1 {status}\r\n".encode("latin-1"), int(status[:3])
            self._statuses[status] = found
        return found

    def line(self, header: tuple[str, str]) -> Line:
        """A header pair as a line; raises ApplicationError."""
        try:
            found = self._lines.get(header)
        except TypeError:  # a list: PEP 3333 wants tuples, others take it
            return self._learn(header)
        return found or self._learn(header)

    def _learn(self, header: tuple[str, str]) -> Line:
        try:
            name, value = header
        except (TypeError, ValueError):
            raise ApplicationError(f"the header {header!r} is no pair") from None
        if type(name) is not str or type(value) is not str:
            raise ApplicationError(f"the header {header!r} is not of two native strings")
        if not grammar.TOKEN_TEXT.fullmatch(name):
            raise ApplicationError(f"the header name {name!r} is none")
        if grammar.FORBIDDEN_IN_VALUE_TEXT.search(value):
            raise ApplicationError(f"the value of the header {name} has a control character")
        try:
            encoded = f"{name}: {value}\r\n".encode("latin-1")
        except UnicodeEncodeError:
            raise ApplicationError(f"the value of the header {name} is not latin-1") from None
        line = _classify(name.lower(), value, encoded)
        if len(encoded) <= _REMEMBERED_SIZE and name.lower() != "set-cookie":
            if len(self._lines) >= _REMEMBERED:
                self._lines.clear()
            self._lines[name, value] = line
        return line


def _classify(name: str, value: str, encoded: bytes) -> Line:
    if name == "content-length":
        if not grammar.DIGITS.fullmatch(value.strip(" \t")):
            raise ApplicationError(f"the Content-Length {value!r} is no number")
        return encoded, LENGTH, int(value)
    if name in grammar.HOP_BY_HOP or name in ("date", "server"):
        return b"", DROPPED, 0
    return encoded, PLAIN, 0


def _http_date(second: int) -> str:
    """IMF-fixdate (RFC 9110, 5.6.7), whatever the locale."""
    at = datetime.fromtimestamp(second, UTC)
    return (
        f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year}"
        f" {at.hour:02}:{at.minute:02}:{at.second:02} GMT"
    )
