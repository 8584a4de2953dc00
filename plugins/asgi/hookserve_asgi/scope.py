"""What an application is told of a request: the scope (ASGI, "HTTP & WebSocket")."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from hookserve_http.handshake import split_list

if TYPE_CHECKING:
    from hookserve_http.fields import FieldLists

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


_EXTENSIONS: Scope = {"http.response.pathsend": {}, "http.response.zerocopysend": {}}
_EXTENSIONS_OF_HTTP11: Scope = {
    **_EXTENSIONS,
    "http.response.trailers": {},
    "http.response.early_hint": {},
}
_CACHE_SIZE = 256
_CACHED_TARGET_LIMIT = 256
_read_target = itemgetter(
    "RAW_URI",
    "REQUEST_METHOD",
    "PATH_INFO",
    "SCRIPT_NAME",
    "SERVER_PROTOCOL",
    "wsgi.url_scheme",
)


class ScopeMaker:
    """Makes the scopes of one listener's requests; what those of the same target have in common is
    made once."""

    __slots__ = ("_cache", "_root_path", "server")

    def __init__(self, root_path: str, server: tuple[str, int | None]) -> None:
        self._root_path = root_path
        """Where the server is mounted; a path that a trusted proxy has named goes before it."""
        self.server = server
        """Host and port, or path and `None`."""
        self._cache: dict[tuple[str, ...], Scope] = {}

    def make(
        self,
        environ: dict[str, Any],  # Any: PEP 3333
        head: bytes,
        fields: FieldLists,
        state: dict[str, Any] | None,  # Any: the application's
    ) -> Scope:
        """The scope of a request whose head is `head`, which was parsed into `environ`.

        It is the application's to change, but for the values of its extensions, which are empty.
        """
        target = _read_target(environ)
        scope = (self._cache.get(target) or self._of_target(target)).copy()
        address = environ["REMOTE_ADDR"]
        scope["asgi"] = VERSIONS.copy()
        scope["headers"] = fields.of(head, environ)
        scope["client"] = (address, int(environ["REMOTE_PORT"] or 0)) if address else None
        scope["extensions"] = scope["extensions"].copy()
        if state is not None:
            scope["state"] = state.copy()
        return scope

    def make_websocket(
        self,
        environ: dict[str, Any],  # Any: PEP 3333
        head: bytes,
        fields: FieldLists,
        state: dict[str, Any] | None,  # Any: the application's
    ) -> Scope:
        """The scope of a request that asks for a websocket."""
        scope = self.make(environ, head, fields, state)
        del scope["method"]
        scope["type"] = "websocket"
        scope["scheme"] = "wss" if scope["scheme"] == "https" else "ws"
        scope["subprotocols"] = split_list(environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", ""))
        scope["extensions"] = {"websocket.http.response": {}}
        return scope

    def _of_target(self, target: tuple[str, ...]) -> Scope:
        """The part of the scope that depends on the request line, and on who is believed."""
        uri, method, decoded, script_name, version, scheme = target
        is_http11 = version != "HTTP/1.0"
        path, root_path = _paths(decoded, script_name, self._root_path)
        scope = {
            "type": "http",
            "asgi": VERSIONS,
            "http_version": "1.1" if is_http11 else "1.0",
            "method": method,
            "scheme": scheme,
            "path": path,
            "raw_path": _raw_path(uri),
            "query_string": uri.partition("?")[2].encode("latin-1"),
            "root_path": root_path,
            "headers": None,
            "client": None,
            "server": self.server,
            "extensions": _EXTENSIONS_OF_HTTP11 if is_http11 else _EXTENSIONS,
        }
        if len(uri) <= _CACHED_TARGET_LIMIT:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[target] = scope
        return scope


def _raw_path(target: str) -> bytes:
    """The path as it is on the wire, of a target in any form (RFC 9112, 3.2)."""
    path = target.partition("?")[0]
    if path[:1] != "/" and path != "*":
        slash = path.partition("://")[2].partition("/")
        path = slash[1] + slash[2] or "/"
    return path.encode("latin-1")


def _paths(path: str, prefix: str, root_path: str) -> tuple[str, str]:
    """The path, decoded, and the root path, which it includes from version 2.3 on of the
    specification."""
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", "replace")
    if prefix:
        return prefix + path, prefix
    if root_path and path != root_path and not path.startswith(f"{root_path}/"):
        path = root_path + path
    return path, root_path
