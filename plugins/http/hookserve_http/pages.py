"""The responses that the server itself writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hookserve_http.response import HeadWriter


class Page(NamedTuple):
    """A whole response, after which the connection closes."""

    status: str
    headers: list[tuple[str, str]]
    head: bytes
    body: bytes


def refusal(code: int, writer: HeadWriter, is_bodiless: bool) -> Page:
    """The response for a request that is refused or has failed; it says the status and no more."""
    from http import HTTPStatus

    status = f"{code} {HTTPStatus(code).phrase}"
    body = f"{status}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers).encode()
    head = b"".join((f"HTTP/1.1 {status}\r\n".encode(), writer.date(), lines, b"\r\n"))
    return Page(status, headers, head, b"" if is_bodiless else body)
