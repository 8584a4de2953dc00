"""Errors of a request or of the server, each with the status of its response; and of an
application."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hookserve.wording import one_line


class BadRequest(Exception):
    """The client broke the protocol.

    The message is for the log and the access record; the client receives the status only.
    """

    status = 400
    """That of the response (RFC 9110, 15)."""
    environ: Mapping[str, Any] = MappingProxyType({})  # Any: PEP 3333
    """The part of the head that was parsed; set by `HeadParser`."""
    fields: tuple[tuple[str, str], ...] = ()
    """Header fields of the response that belong to the status."""
    is_counted = True
    """Whether the request is among those that were served, with its status and duration."""


class RequestTimeout(BadRequest):
    """The client took too long to send its request."""

    status = 408


class BodyTooLarge(BadRequest):
    """The body exceeds `limit_request_body`."""

    status = 413


class TargetTooLong(BadRequest):
    """The request line exceeds `limit_request_line`."""

    status = 414


class ExpectationFailed(BadRequest):
    """The Expect header has another expectation than 100-continue."""

    status = 417


class UpgradeRequired(BadRequest):
    """The version of the websocket protocol is not supported (RFC 6455, 4.2.2; RFC 9110, 7.8)."""

    status = 426
    fields = (
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
    )


class HeadTooLarge(BadRequest):
    """The header fields exceed a limit."""

    status = 431


class UnknownCoding(BadRequest):
    """The body has a transfer coding that is not supported."""

    status = 501


class NotInstalled(BadRequest):
    """What the request asks for needs a package that is not installed."""

    status = 501


class UnknownVersion(BadRequest):
    """The version of HTTP is not supported."""

    status = 505


class ServerFailed(BadRequest):
    """The server could not take a request in; the message says why."""

    status = 500


class NoResources(ServerFailed):
    """There was no memory, or no descriptor or folder for a temporary file."""

    status = 503


class Saturated(BadRequest):
    """The request has waited longer than `queue_timeout`."""

    status = 503
    is_counted = False  # it has a counter of its own, and its quick end is no latency


class NoRoom(ServerFailed):
    """There was no room for the body (RFC 4918, 11.5)."""

    status = 507


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def failure_of(error: Exception) -> ServerFailed:
    """The refusal of a request because of an error of the server's own."""
    if isinstance(error, MemoryError):
        return NoResources("no memory is left")
    if not isinstance(error, OSError):
        return ServerFailed(one_line(f"{type(error).__name__}: {error}"))
    text = f"cannot store the request body: {error.strerror or error}"
    return NoRoom(text) if error.errno in _NO_ROOM else NoResources(text)


class BodyCutOff(ConnectionError):
    """The client disconnected before its request body was complete."""


class ApplicationError(Exception):
    """The application broke PEP 3333; the message names the fault."""
