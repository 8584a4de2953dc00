"""ASGI 3 over HTTP/1.1: applications that are coroutines.

In reading order:

protocol, scope
    ASGI on one listener; what an application is told of a request
connection
    one client's connection: HTTP's, whose exchanges may be suspended
exchange, suspension, body
    one request: receive and send; what is waited for; the request's body as it arrives
response
    the events of a response, and what they become
lifespan
    startup and shutdown of the application, once in each worker
"""

from __future__ import annotations

from hookserve import ProtocolType, Setting, hookimpl
from hookserve.config.values import one_of

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "lifespan",
        "auto",
        one_of("auto", "on", "off"),
        "whether an ASGI application is told of startup and shutdown; auto: unless it does not"
        " support that",
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
