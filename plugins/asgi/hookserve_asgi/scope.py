"""What an application is told of a request: the scope (ASGI, "HTTP & WebSocket")."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookserve_http.fields import split_list

if TYPE_CHECKING:
    from hookserve_http.fields import FieldLists
    from hookserve_http.head import Environ
    from hookserve_http.repeated import Client

    from hookserve_asgi.protocol import AsgiProtocol

Scope = dict[str, Any]  # Any: as the specification says
Message = dict[str, Any]  # Any: as above
AsgiApplication = Callable[..., Any]  # Any: a coroutine function, or what behaves like one


def as_coroutine_function(app: AsgiApplication) -> AsgiApplication:
    """The application as it is, or what awaits what it returns, which may be no coroutine."""
    call = app if inspect.isroutine(app) else getattr(app, "__call__", app)  # noqa: B004  # an object may have one of its own
    if inspect.iscoroutinefunction(call):
        return app

    async def application(scope: Scope, receive: object, send: object) -> None:
        await app(scope, receive, send)

    return application


VERSIONS = {"version": "3.0", "spec_version": "2.4"}
"""2.4: `send` raises OSError once the client is gone."""


def make_scope(environ: Environ, head: bytes, fields: FieldLists, endpoint: AsgiProtocol) -> Scope:
    """The scope of a request whose head is `head`, which was parsed into `environ`.

    A path that a trusted proxy has named (SCRIPT_NAME) goes before the one that the server is
    mounted at.  The path includes it, as the specification says from version 2.3 on.
    """
    is_http11 = environ["SERVER_PROTOCOL"] != "HTTP/1.0"
    path, root_path = _paths(environ, endpoint.root_path)
    address = environ["REMOTE_ADDR"]
    scope = {
        "type": "http",
        "asgi": VERSIONS.copy(),
        "http_version": "1.1" if is_http11 else "1.0",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": path,
        "raw_path": _raw_path(environ["RAW_URI"]),
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "root_path": root_path,
        "headers": fields.of(head, environ),
        "client": (address, int(environ["REMOTE_PORT"] or 0)) if address else None,
        "server": endpoint.server,
        "extensions": {"http.response.pathsend": {}, "http.response.zerocopysend": {}},
    }
    if is_http11:
        scope["extensions"]["http.response.trailers"] = {}
        scope["extensions"]["http.response.early_hint"] = {}
    if endpoint.state is not None:
        scope["state"] = endpoint.state.copy()
    return scope


def repeat_scope(
    made: Scope,
    client: Client,
    state: dict[str, Any] | None,  # Any: the application's
) -> Scope:
    """The scope of another request, by that client, with the head that `made` is of.

    It is the application's to change, but for the values of its extensions, which are empty.
    """
    scope = made.copy()
    scope["asgi"] = VERSIONS.copy()
    scope["headers"] = scope["headers"].copy()
    scope["client"] = client
    scope["extensions"] = scope["extensions"].copy()
    if state is not None:
        scope["state"] = state.copy()
    return scope


def _raw_path(target: str) -> bytes:
    """The path as it is on the wire, of a target in any form (RFC 9112, 3.2)."""
    path = target.partition("?")[0]
    if path[:1] != "/" and path != "*":
        slash = path.partition("://")[2].partition("/")
        path = slash[1] + slash[2] or "/"
    return path.encode("latin-1")


def make_websocket_scope(
    environ: Environ, head: bytes, fields: FieldLists, endpoint: AsgiProtocol
) -> Scope:
    """The scope of a request that asks for a websocket."""
    scope = make_scope(environ, head, fields, endpoint)
    del scope["method"]
    scope["type"] = "websocket"
    scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
    scope["subprotocols"] = split_list(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


def _paths(environ: Environ, root_path: str) -> tuple[str, str]:
    """The path, decoded, and the root path."""
    path: str = environ["PATH_INFO"]
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", "replace")
    prefix: str = environ["SCRIPT_NAME"]
    if prefix:
        return prefix + path, prefix
    if root_path and path != root_path and not path.startswith(f"{root_path}/"):
        path = root_path + path
    return path, root_path
