"""Whether a client wants its connection to stay open (RFC 9112, 9.3)."""

from __future__ import annotations

from typing import Any


def wants_to_persist(environ: dict[str, Any]) -> bool:  # Any: PEP 3333
    """Whether the client wants its connection to stay open."""
    if environ["REQUEST_METHOD"] == "CONNECT":
        return False
    options = [each.strip(" \t") for each in environ.get("HTTP_CONNECTION", "").lower().split(",")]
    if "close" in options:
        return False
    return environ["SERVER_PROTOCOL"] != "HTTP/1.0" or "keep-alive" in options
