"""The responses that the server itself makes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from hookserve_http.response import Header, HeadWriter


# Not from `http`: an error page is made when no descriptor is left to import a module with.
PHRASES: Final = {
    400: "Bad Request",
    403: "Forbidden",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    417: "Expectation Failed",
    426: "Upgrade Required",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
    507: "Insufficient Storage",
}
"""The reason phrases of the statuses that the server itself sends (RFC 7231, 6; RFC 4918, 11.5)."""


class ErrorPage(NamedTuple):
    """A whole response, after which the connection closes."""

    status: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes


def error_page(
    code: int, writer: HeadWriter, is_bodiless: bool, fields: Iterable[Header] = ()
) -> ErrorPage:
    """The response to a request that is refused or has failed; it shows the status only."""
    status = f"{code} {PHRASES[code]}"
    body = f"{status}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *fields,
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
    head = b"".join((f"HTTP/1.1 {status}\r\n".encode(), writer.date(), lines, b"\r\n"))
    return ErrorPage(status, headers, head, b"" if is_bodiless else body)
