"""ASGI 3 over HTTP/1.1: applications that are coroutines.

In reading order:

protocol, scope
    ASGI on one listener; what an application is told of a request
connection
    one client's connection: HTTP's, whose exchanges are those of ASGI
exchange, suspension
    one request: receive and send; what is kept while the application waits, files included
websocket, deadlines
    a connection that has been upgraded; when one is pinged
response
    the events of a response, and what they become
lifespan
    startup and shutdown of the application, once in each worker
"""

from __future__ import annotations

from hookserve import ProtocolType, Setting, hookimpl
from hookserve.config.values import boolean, one_of, optional_interval, seconds, size

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "lifespan",
        "auto",
        one_of("auto", "on", "off"),
        "whether an ASGI application is told of startup and shutdown; auto: unless it does not"
        " support that",
    ),
    Setting(
        "websocket_max_size", 16777216, size, "bytes that a message of a websocket may have; 0: any"
    ),
    Setting(
        "websocket_ping_interval",
        20.0,
        optional_interval,
        "seconds without a byte from the client after which a websocket pings it; 0: never",
    ),
    Setting(
        "websocket_ping_timeout",
        20.0,
        seconds,
        "seconds that the client has for its response to that, before it is disconnected; 0: any",
    ),
    Setting(
        "websocket_deflate",
        True,
        boolean,
        "compress the messages of websockets whose client offers that (RFC 7692)",
        switch=True,
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """What ASGI applications are told."""
    return SETTINGS


@hookimpl
def protocol_types() -> list[ProtocolType]:
    """``http``, for applications of the interface ``asgi``."""
    return [
        ProtocolType(
            "http",
            "hookserve_asgi.protocol:AsgiProtocol",
            "HTTP/1.1 and 1.0 to ASGI",
            interface="asgi",
        )
    ]
