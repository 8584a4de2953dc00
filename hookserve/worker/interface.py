"""The interface between server and application: who speaks which, and who is paired with whom.

An application has one interface, a worker model runs some, and a protocol is made for one.  The
interface is the setting's, or what can be seen of the application before its first request.
"""

from __future__ import annotations

import inspect
from collections.abc import Container, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from hookserve.errors import AppNotFound, BootError

AUTO = "auto"
"""The setting's value for: what can be seen of the application."""
WSGI = "wsgi"
"""PEP 3333."""
ASGI = "asgi"
"""The Asynchronous Server Gateway Interface, version 3."""
_ARGUMENTS_OF_ASGI = 3
"""The scope, receive and send."""
_NO_CLASSES: Mapping[str, str] = MappingProxyType({})
_NAMES = {WSGI: "a WSGI application", ASGI: "an ASGI application"}


class InterfaceMismatch(AppNotFound):
    """The worker model does not run applications of this interface."""

    def __init__(self, message: str, interface: str) -> None:
        super().__init__(message)
        self.interface = interface
        """The application's."""


def interface_of(app: object, classes: Mapping[str, str] = _NO_CLASSES) -> str:
    """That of its class, where `classes` names it (`ProtocolType.application_class`); ``asgi`` for
    a coroutine function, an object that is called like one, or what takes three arguments; else
    ``wsgi``."""
    for each in type(app).__mro__ if classes else ():
        found = classes.get(f"{each.__module__}:{each.__qualname__}")
        if found is not None:
            return found
    call = _call_of(app)
    if inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call):
        return ASGI
    return ASGI if len(_arguments_of(app)) == _ARGUMENTS_OF_ASGI else WSGI


def is_double_callable(app: object) -> bool:
    """Whether it is an application of ASGI 2: called with a scope, it returns the coroutine
    function for the events."""
    if getattr(app, "_asgi_single_callable", False):
        return False
    return getattr(app, "_asgi_double_callable", False) or _arguments_of(app) == ["scope"]


def _call_of(app: object) -> object:
    """The function that runs when an application is called."""
    if inspect.isroutine(app) or inspect.isclass(app) or isinstance(app, partial):
        return app
    return getattr(app, "__call__", app)  # noqa: B004  # an object may have one of its own


def _arguments_of(app: object) -> list[str]:
    """The names of the arguments that it must be called with; none where that cannot be seen."""
    try:
        parameters = inspect.signature(_call_of(app)).parameters.values()  # type: ignore[arg-type]  # a callable
    except (TypeError, ValueError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [
        each.name for each in parameters if each.default is each.empty and each.kind in positional
    ]


def _takes_events(app: object) -> bool:
    """Whether it can be called as one of ASGI is; true where that cannot be seen."""
    try:
        signature = inspect.signature(_call_of(app))  # type: ignore[arg-type]  # a callable
    except (TypeError, ValueError):
        return True
    try:
        signature.bind(*[None] * _ARGUMENTS_OF_ASGI)
    except TypeError:
        return False
    return True


def _check_wanted(app: object, wanted: str, found: str, name: str) -> None:
    """Raises AppNotFound for an application that cannot have the interface of the setting."""
    if wanted == WSGI and found != WSGI:
        what = f"one of {found}"
        if found == ASGI:
            what = "asynchronous, as those of ASGI are"
        raise AppNotFound(f"{name} is not a WSGI application: it is {what} (leave --interface out)")
    if wanted == ASGI and not _takes_events(app):
        raise AppNotFound(
            f"{name} is not an ASGI application: it cannot be called with scope, receive and send"
            " (leave --interface out)"
        )


def pair(
    app: object,
    wanted: str,
    model: str,
    runs: Sequence[str],
    name: str,
    classes: Mapping[str, str] = _NO_CLASSES,
) -> str:
    """The interface by which a worker model serves an application.

    `wanted` is the setting's, `runs` are those that the model runs, and `name` is the
    application's in a message; `classes` are as of `interface_of`.  Raises InterfaceMismatch where
    another model would do, and AppNotFound for one of ASGI 2, or that is not what `wanted` says.
    """
    if wanted in (AUTO, ASGI, WSGI) and is_double_callable(app):
        raise AppNotFound(
            f"{name} is an application of ASGI 2, which takes the scope alone (make it one of"
            " ASGI 3: asgiref.compatibility.guarantee_single_callable)"
        )
    found = interface_of(app, classes)
    _check_wanted(app, wanted, found, name)
    if wanted in classes.values() and found != wanted:
        raise AppNotFound(
            f"{name} is not an application of {wanted}: {type(app).__name__} is not one of"
            " its classes (leave --interface out)"
        )
    interface = found if wanted == AUTO else wanted
    is_unseen = wanted == AUTO and found == WSGI and WSGI not in runs
    if is_unseen and (runs[0] != ASGI or _takes_events(app)):
        interface = runs[0]  # a callable that returns a coroutine looks like any other
    if interface not in runs:
        raise InterfaceMismatch(
            f"{name} is {_NAMES.get(interface, f'an application of {interface}')}, which the worker"
            f" {model} does not run (leave -k out, or choose a model of hookserve --list-workers -v"
            f" that runs {interface})",
            interface,
        )
    return interface


def check_protocol(protocol: str, served: Container[str], interface: str) -> None:
    """Raises BootError where a protocol, which serves those, is not for that interface."""
    if interface not in served:
        raise BootError(
            f"the protocol {protocol} does not serve applications of the interface {interface}"
            " (hookserve --list-plugins -v shows the protocols)"
        )
