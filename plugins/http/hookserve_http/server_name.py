"""SERVER_NAME and SERVER_PORT of requests over a unix socket, which has neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookserve.types import WSGIApplication

NAME, PORT = "localhost", "80"
"""Where the request has no Host field: neither may be empty (PEP 3333)."""
_PORTS = {"http": PORT, "https": "443"}


def named_by_host(app: WSGIApplication) -> WSGIApplication:
    """`app` with the name and port that the Host field says, as the client knows the server."""

    def application(
        environ: dict[str, Any],  # Any: PEP 3333
        start_response: Callable[..., Any],  # Any: PEP 3333
    ) -> Iterable[bytes]:
        name, colon, port = environ.get("HTTP_HOST", "").rpartition(":")
        if not colon or port.endswith("]"):
            name, port = name + colon + port, ""
        environ["SERVER_NAME"] = name or NAME
        environ["SERVER_PORT"] = port or _PORTS.get(environ["wsgi.url_scheme"], PORT)
        return app(environ, start_response)

    return application
