"""What an application is told of a request: the scope (ASGI, "HTTP & WebSocket")."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hookserve_http.fields import FieldLists

Scope = dict[str, Any]  # Any: as the specification says
Message = dict[str, Any]  # Any: as above
AsgiApplication = Callable[..., Any]  # Any: a coroutine function, or what behaves like one

VERSIONS = {"version": "3.0", "spec_version": "2.4"}
"""2.4: `send` raises OSError once the client is gone."""
EXTENSIONS = (
    "http.response.pathsend",
    "http.response.zerocopysend",
    "http.response.trailers",
    "http.response.early_hint",
)


def make_scope(
    environ: dict[str, Any],  # Any: PEP 3333
    head: bytes,
    fields: FieldLists,
    server: tuple[str, int | None],
    root_path: str,
) -> Scope:
    """The scope of a request whose head is `head`, which was parsed into `environ`.

    A path that a trusted proxy has named (SCRIPT_NAME) goes before `root_path`.  The path includes
    it, as the specification says from version 2.3 on.
    """
    target = environ["RAW_URI"]
    path = environ["PATH_INFO"]
    if not path.isascii():
        path = path.encode("latin-1").decode("utf-8", "replace")
    prefix = environ["SCRIPT_NAME"]
    if prefix:
        root_path = prefix
        path = prefix + path
    elif root_path and not path.startswith(root_path):
        path = root_path + path
    address = environ["REMOTE_ADDR"]
    return {
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
        "server": server,
        "extensions": dict.fromkeys(EXTENSIONS, {}),
    }
