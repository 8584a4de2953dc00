"""What tornado is told of a request and its client: `tornado.httputil` and `tornado.httpserver`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from hookserve_http.target import split_target
from tornado.httputil import HTTPHeaders, RequestStartLine

if TYPE_CHECKING:
    from hookserve_http.fields import Fields

_NO_ADDRESS = "0.0.0.0"
"""As tornado names the client of a unix socket."""


class RequestContext:
    """``request.connection.context``; what a trusted proxy says of its client is in it already, as
    tornado has it with ``xheaders``."""

    __slots__ = ("address", "address_family", "protocol", "remote_ip")

    def __init__(self, environ: dict[str, Any]) -> None:  # Any: PEP 3333
        host: str = environ["REMOTE_ADDR"]
        self.remote_ip = host or _NO_ADDRESS
        """The client's address."""
        self.protocol: str = environ["wsgi.url_scheme"]
        """``http`` or ``https``."""
        self.address: object = (host, int(environ["REMOTE_PORT"] or 0)) if host else ""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.address_family = family if host else socket.AF_UNIX

    def __str__(self) -> str:
        return self.remote_ip if self.address else ""


def make_start_line(environ: dict[str, Any]) -> RequestStartLine:  # Any: PEP 3333
    """The request line, with the target in origin form where it has a path (RFC 9112, 3.2)."""
    method, target = environ["REQUEST_METHOD"], environ["RAW_URI"]
    if target[:1] != "/" and method != "CONNECT":
        target, _ = split_target(method, target)
    return RequestStartLine(method, target, environ["SERVER_PROTOCOL"])


def make_headers(fields: Fields) -> HTTPHeaders:
    """The header fields, which the parser has checked."""
    headers = HTTPHeaders()
    for raw_name, raw_value in fields:
        name, value = str(raw_name, "latin-1"), str(raw_value, "latin-1")
        if name in headers:
            headers.add(name, value)
        else:
            headers[name] = value
    return headers
