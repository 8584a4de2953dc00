"""What an application is told of a request: the scope (ASGI, "HTTP & WebSocket")."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookserve_http.handshake import split_list

if TYPE_CHECKING:
    from hookserve_http.fields import FieldLists

    from hookserve_asgi.protocol import AsgiProtocol

Scope = dict[str, Any]  # Any: as the specification says
Message = dict[str, Any]  # Any: as above
AsgiApplication = Callable[..., Any]  # Any: a coroutine function, or what behaves like one

VERSIONS = {"version": "3.0", "spec_version": "2.4"}
"""2.4: `send` raises OSError once the client is gone."""
EXTENSIONS: dict[str, dict[str, object]] = {
    "http.response.pathsend": {},
    "http.response.zerocopysend": {},
    "http.response.trailers": {},
    "http.response.early_hint": {},
}


def make_scope(
    environ: dict[str, Any],  # Any: PEP 3333
    head: bytes,
    fields: FieldLists,
    endpoint: AsgiProtocol,
) -> Scope:
    """The scope of a request whose head is `head`, which was parsed into `environ`.

    A path that a trusted proxy has named (SCRIPT_NAME) goes before the one that the server is
    mounted at.  The path includes it, as the specification says from version 2.3 on.
    """
    target = environ["RAW_URI"]
    path, root_path = _paths(environ, endpoint.root_path)
    address = environ["REMOTE_ADDR"]
    scope = {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": "1.0" if environ["SERVER_PROTOCOL"] == "HTTP/1.0" else "1.1",
        "method": environ["REQUEST_METHOD"],
        "scheme": environ["wsgi.url_scheme"],
        "path": path,
        "raw_path": target.partition("?")[0].encode("latin-1"),
        "query_string": environ["QUERY_STRING"].encode("latin-1"),
        "root_path": root_path,
        "headers": fields.of(head, environ),
        "client": (address, int(environ["REMOTE_PORT"] or 0)) if address else None,
        "server": endpoint.server,
        "extensions": EXTENSIONS.copy(),
    }
    if endpoint.state is not None:
        scope["state"] = endpoint.state.copy()
    return scope


def make_websocket_scope(
    environ: dict[str, Any],  # Any: PEP 3333
    head: bytes,
    fields: FieldLists,
    endpoint: AsgiProtocol,
) -> Scope:
    """The scope of a request that asks for a websocket."""
    scope = make_scope(environ, head, fields, endpoint)
    del scope["method"]
    scope["type"] = "websocket"
    scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
    scope["subprotocols"] = split_list(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
    scope["extensions"] = {"websocket.http.response": {}}
    return scope


def _paths(environ: dict[str, Any], root_path: str) -> tuple[str, str]:  # Any: PEP 3333
    """The path, decoded, and the root path."""
    path: str = environ["PATH_INFO"]
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", "replace")
    prefix: str = environ["SCRIPT_NAME"]
    if prefix:
        return prefix + path, prefix
    if root_path and not path.startswith(root_path):
        path = root_path + path
    return path, root_path
