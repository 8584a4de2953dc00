"""gunicorn's `root_path`, which every scope of an ASGI application has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from hookserve import Middleware

ASGIApplication = Callable[[dict[str, Any], Any, Any], Awaitable[None]]  # Any: as of ASGI 3
_NAME = "root_path"


def middlewares(root: str) -> list[Middleware]:
    """The middleware for that path; as in gunicorn it is ASGI's alone."""
    return [
        Middleware(_NAME, lambda app: _with_root_path(app, root), ("asgi",)),
        Middleware(_NAME, lambda app: app, ("wsgi", "tornado")),
    ]


def _with_root_path(app: ASGIApplication, root: str) -> ASGIApplication:
    async def call(scope: dict[str, Any], receive: Any, send: Any) -> None:  # Any: as above
        if scope["type"] != "lifespan":
            scope = {**scope, _NAME: root}
        await app(scope, receive, send)

    return call
