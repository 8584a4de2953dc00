"""From ``start_response`` to the bytes of a response head.

Statuses and header pairs are validated and encoded once and cached.  A whole head is cached once
each of its parts was, so a response with one value that is always new leaves nothing behind.  The
caches are bounded in entries and in the size of an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from hookserve_http import grammar
from hookserve_http.errors import ApplicationError

_CACHE_SIZE = 1024
_CACHED_LINE_LIMIT = 256
_HEAD_CACHE_SIZE = 64
_CACHED_HEAD_LIMIT = 1024
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Header = tuple[str, str]
"""Name and value, of latin-1 (PEP 3333)."""
Line = tuple[bytes, int]
"""The encoded header line, empty when it is not sent, and the length it declares, or `_PLAIN`,
`_DATE` or `_SERVER`."""
_PLAIN, _DATE, _SERVER = -1, -2, -3

Encoded = tuple[int, bytes, int, int]
"""The code, the application's part of the head, the length it declares or -1, and which of the
server's lines are its own: 1 for Date, 2 for Server."""


class HeadWriter:
    """Encodes statuses, header pairs and the Date; one for each listener of a worker.

    Threads share it without a lock: each cache is read by one look-up, because another thread may
    clear it in between; the Date and its second are one tuple.
    """

    __slots__ = (
        "_calendar",
        "_clock",
        "_dated",
        "_head_cache",
        "_line_cache",
        "_server",
        "_status_cache",
    )

    def __init__(
        self,
        wall_clock: Callable[[], float],
        calendar: Callable[[float], tuple[int, ...]],
        names_server: bool = True,
    ) -> None:
        self._clock = wall_clock
        self._calendar = calendar
        self._server = b"Server: hookserve\r\n" if names_server else b""
        self._dated: tuple[float, tuple[bytes, ...]] = -1.0, ()
        self._status_cache: dict[str, tuple[bytes, int, bool]] = {}
        self._line_cache: dict[Header, Line] = {}
        self._head_cache: dict[tuple[Any, ...], Encoded] = {}  # Any: a status and header pairs

    def date(self, own: int = 0) -> bytes:
        """The lines Date and Server, made once a second (RFC 9110, 6.6.1), without those of the
        application's `own`: 1 for Date, 2 for Server."""
        second, lines = self._dated
        clock = self._clock
        now = clock()
        if not 0.0 <= now - second < 1.0:
            second = now // 1.0
            date, server = f"Date: {_http_date(self._calendar(second))}\r\n".encode(), self._server
            lines = date + server, server, date, b""
            self._dated = second, lines
        return lines[own]

    def encode(self, status: str, headers: Iterable[Header]) -> Encoded:
        """Encode the arguments of `start_response`; raises ApplicationError."""
        key = (status, *headers)
        try:
            found = self._head_cache.get(key)
        except TypeError:  # a list as a pair: PEP 3333 wants tuples, other servers accept lists
            found = None
        return found or self._encode(key)

    def _encode(self, key: tuple[Any, ...]) -> Encoded:  # Any: whatever the application passes
        is_new = key[0] not in self._status_cache
        start, code, is_bodiless = self._status(key[0])
        lines = [start]
        declared, own = -1, 0
        for header in key[1:]:
            try:
                found = self._line_cache.get(header)
            except TypeError:
                found = None
            is_new = is_new or found is None
            line, length = found or self._encode_header(header)
            if length >= 0:
                if declared >= 0:
                    raise ApplicationError("two Content-Length headers")
                declared = length
                if is_bodiless and code != 304:
                    continue  # RFC 9110, 8.6: no Content-Length with these
            elif length != _PLAIN:
                own |= 1 if length == _DATE else 2
            lines.append(line)
        encoded = code, b"".join(lines), -1 if is_bodiless else declared, own
        if not is_new and len(encoded[1]) <= _CACHED_HEAD_LIMIT:
            if len(self._head_cache) >= _HEAD_CACHE_SIZE:
                self._head_cache.clear()
            self._head_cache[key] = encoded
        return encoded

    def encode_bytes(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> Encoded:
        """As `encode`, for a code and pairs of bytes; raises ApplicationError."""
        key = (status, *headers)
        try:
            found = self._head_cache.get(key)
        except TypeError:  # a list as a pair, or bytearrays
            found = None
        return found or self._encode_bytes(key)

    def _encode_bytes(
        self, key: tuple[Any, ...]
    ) -> Encoded:  # Any: whatever the application passes
        status, *headers = key
        if type(status) is not int or not 100 <= status <= 999:
            raise ApplicationError(f"invalid status {status!r}")
        text_key = (with_phrase(status), *map(_as_text, headers))
        encoded = self._encode(text_key)
        if text_key in self._head_cache:
            try:
                self._head_cache[key] = encoded
            except TypeError:  # as in encode_bytes
                pass
        return encoded

    def line(self, header: Header) -> bytes:
        """A header pair as a line of an interim response; raises ApplicationError.

        Empty for what an interim response does not have (RFC 9110, 8.6, 10.2.4 and 6.6.1).
        """
        line, length = self._encode_header(header)
        return line if length == _PLAIN else b""

    def _status(self, status: str) -> tuple[bytes, int, bool]:
        found = self._status_cache.get(status)
        if found is not None:
            return found
        if not _is_text(status) or not grammar.STATUS.fullmatch(status):
            raise ApplicationError(f"invalid status {status!r}")
        if len(self._status_cache) >= _CACHE_SIZE:
            self._status_cache.clear()
        code = int(status[:3])
        # RFC 9112, 4: the space after the code is there even without a phrase.
        space = "" if len(status) > 3 else " "
        line = "".join(("HTTP/1.1 ", status, space, "\r\n")).encode("latin-1")
        found = line, code, is_bodiless(code)
        self._status_cache[status] = found
        return found

    def _encode_header(self, header: Header) -> Line:
        try:
            name, value = header
        except (TypeError, ValueError):
            raise ApplicationError(f"the header {header!r} is not a pair") from None
        if not (_is_text(name) and _is_text(value)):
            raise ApplicationError(f"the header {header!r} is not a pair of str")
        if not grammar.TOKEN_TEXT.fullmatch(name):
            raise ApplicationError(f"invalid header name {name!r}")
        if grammar.FORBIDDEN_IN_VALUE_TEXT.search(value):
            raise ApplicationError(f"control character in the value of the header {name}")
        try:
            # join(), not an f-string: a subclass of str may have a __format__ that is not checked.
            encoded = "".join((name, ": ", value, "\r\n")).encode("latin-1")
        except UnicodeEncodeError:
            raise ApplicationError(f"the value of the header {name} is not latin-1") from None
        line = _classify(name.lower(), value, encoded)
        if len(encoded) <= _CACHED_LINE_LIMIT and name.lower() != "set-cookie":
            if len(self._line_cache) >= _CACHE_SIZE:
                self._line_cache.clear()
            self._line_cache[name, value] = line
        return line


def _as_text(header: object) -> Header:
    """A header pair of bytes, as text."""
    try:
        name, value = cast("tuple[bytes, bytes]", header)
        return str(name, "latin-1"), str(value, "latin-1")
    except (TypeError, ValueError):
        raise ApplicationError(f"the header {header!r} is not a pair of bytes") from None


def with_phrase(status: int) -> str:
    """The code and what it means (RFC 9110, 15)."""
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _is_text(value: object) -> bool:
    # Templates return subclasses of str, which PEP 3333 does not allow and all servers accept.
    return isinstance(value, str)


def is_bodiless(code: int) -> bool:
    """Whether a response with that status has no content (RFC 9110, 6.4.1 and 15.3.6)."""
    return code in (204, 205, 304)


_OWN = {"date": _DATE, "server": _SERVER}


def _classify(name: str, value: str, encoded: bytes) -> Line:
    if name == "content-length":
        if not grammar.DIGITS.fullmatch(value.strip(" \t")):
            raise ApplicationError(f"invalid Content-Length {value!r}")
        return encoded, int(value)
    if name in grammar.HOP_BY_HOP:
        return b"", _PLAIN
    return encoded, _OWN.get(name, _PLAIN)


def _http_date(at: tuple[int, ...]) -> str:
    """IMF-fixdate (RFC 9110, 5.6.7), whatever the locale; `at` is as of time.gmtime."""
    year, month, day, hour, minute, second, weekday = at[:7]
    date = f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year}"
    return f"{date} {hour:02}:{minute:02}:{second:02} GMT"
