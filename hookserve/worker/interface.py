"""The interface between server and application: who speaks which, and who is paired with whom.

An application has one interface, a worker model runs some, and a protocol is made for one.  The
interface is the setting's, or what can be seen of the application before its first request.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import partial

from hookserve.errors import AppNotFound

AUTO = "auto"
"""The setting's value for: what can be seen of the application."""
WSGI = "wsgi"
"""PEP 3333."""
ASGI = "asgi"
"""The Asynchronous Server Gateway Interface, version 3."""
_NAMES = {WSGI: "a WSGI application", ASGI: "an ASGI application"}


class InterfaceMismatch(AppNotFound):
    """The worker model does not run applications of this interface."""

    def __init__(self, message: str, interface: str) -> None:
        super().__init__(message)
        self.interface = interface
        """The application's."""


def interface_of(app: object) -> str:
    """``asgi`` for a coroutine function, or an object that is called like one; else ``wsgi``."""
    call = app if inspect.isroutine(app) or isinstance(app, partial) else type(app).__call__
    is_asynchronous = inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
    return ASGI if is_asynchronous else WSGI


def pair(app: object, wanted: str, model: str, runs: Sequence[str], name: str) -> str:
    """The interface by which a worker model serves an application.

    `wanted` is the setting's, `runs` are those that the model runs, and `name` is the
    application's in a message.  Raises InterfaceMismatch.
    """
    found = interface_of(app)
    if wanted == WSGI and found == ASGI:
        raise InterfaceMismatch(
            f"{name} is not a WSGI application: it is asynchronous, as those of ASGI are"
            " (leave --interface out)",
            found,
        )
    interface = found if wanted == AUTO else wanted
    if wanted == AUTO and found == WSGI and WSGI not in runs:
        interface = runs[0]  # a callable that returns a coroutine looks like any other
    if interface not in runs:
        raise InterfaceMismatch(
            f"{name} is {_NAMES.get(interface, f'an application of {interface}')}, which the worker"
            f" {model} does not run (leave -k out, or choose a model of hookserve --list-workers -v"
            f" that runs {interface})",
            interface,
        )
    return interface
