"""The application below a path of its own: what a proxy in front forwards with its prefix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logging import Logger

    from hookserve.types import WSGIApplication

_OUTSIDE = b"the path does not begin with SCRIPT_NAME\n"


def mount_path(value: object) -> str:
    """A path that begins with a slash, or nothing."""
    if not isinstance(value, str) or (value and not value.startswith("/")):
        raise ValueError("expected a path that begins with /")
    return value.rstrip("/")


def mounted(app: WSGIApplication, path: str, log: Logger) -> WSGIApplication:
    """`app` with `path` as SCRIPT_NAME, and what follows it as PATH_INFO (PEP 3333).

    A proxy's header SCRIPT_NAME has been applied before and wins.  A request for another path gets
    status 500: the proxy is not what the setting says.
    """
    prefix, start = path, f"{path}/"

    def application(
        environ: dict[str, Any],  # Any: PEP 3333
        start_response: Callable[..., Any],  # Any: PEP 3333
    ) -> Iterable[bytes]:
        if not environ["SCRIPT_NAME"]:
            found = environ["PATH_INFO"]
            if not found.startswith(start) and found != prefix:
                log.error("%s does not begin with SCRIPT_NAME, which is %s", repr(found), prefix)
                headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(_OUTSIDE)))]
                start_response("500 Internal Server Error", headers)
                return [_OUTSIDE]
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = prefix, found[len(prefix) :]
        return app(environ, start_response)

    return application
