"""The interface between server and application, as far as it can be seen before a request."""

from __future__ import annotations

import inspect
from functools import partial

from hookserve.errors import AppNotFound

WSGI = "wsgi"
"""PEP 3333."""


def check_application(app: object, interface: str, name: str) -> None:
    """Raise AppNotFound for an application that cannot be one of WSGI, where that is expected.

    Calling it would make a coroutine, as with ASGI: each request would fail.
    """
    if interface != WSGI:
        return
    call = app if inspect.isroutine(app) or isinstance(app, partial) else type(app).__call__
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        raise AppNotFound(
            f"{name} is not a WSGI application: it is asynchronous, as those of ASGI are"
            " (wrap it, or choose a worker model for them)"
        )
