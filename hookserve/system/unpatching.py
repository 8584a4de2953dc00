"""The standard library as it was before a library made it cooperative.

gevent and eventlet put functions and classes of their own into its modules, whether a worker model,
the application or the configuration file has them do it.  A process that is forked afterwards and
serves no requests needs threads, waits and sockets that are real: `unpatch` gives them back there.

Modules in C, and those that hold state, have what they had when this one was imported.  The others
are pure Python and run again: how they were patched does not matter then.
"""

from __future__ import annotations

import _thread
import importlib
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from types import ModuleType

_KEPT = (_thread, time, select, signal, os)
_RUN_AGAIN = (
    "threading",
    "_threading_local",
    "queue",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "concurrent.futures.thread",
)
"""Each after those that it imports from."""


def _functions(module: ModuleType) -> dict[str, object]:
    """Its functions and classes: other names, as the time zone's, may change by themselves."""
    return {name: value for name, value in vars(module).items() if callable(value)}


_unpatched = [(module, _functions(module)) for module in _KEPT]


def unpatch() -> None:
    """Undo what was patched in this process since this module was imported, if anything was.

    For a child that has just been forked, and has no thread yet.  Modules that have imported
    something by its name have the real one too; instances stay what they are.
    """
    replaced = _Replaced()
    for module, functions in _unpatched:
        before = {name: getattr(module, name, None) for name in functions}
        vars(module).update(functions)
        replaced.record(before, functions)
    if not replaced.found:
        return
    for name in _RUN_AGAIN:
        found = sys.modules.get(name)
        if found is not None:
            before = _functions(found)
            importlib.reload(found)
            replaced.record(before, _functions(found))
    _make_log_locks()
    replaced.replace_in_modules()


class _Replaced:
    """What the patched modules had, and have now."""

    def __init__(self) -> None:
        self.found: dict[int, tuple[object, dict[str, object]]] = {}
        """By the id() of an object: the object, which is kept so that no other has that id, and
        what has taken its place under each name, for a library gives one several names."""

    def record(self, before: Mapping[str, object], after: Mapping[str, object]) -> None:
        """Compare the functions of one module."""
        for name, value in after.items():
            old = before.get(name, value)
            if old is not value:
                self.found.setdefault(id(old), (old, {}))[1][name] = value

    def replace_in_modules(self) -> None:
        """In all modules but the libraries' own."""
        self.found.pop(id(None), None)  # what a library had deleted
        theirs = {_package_of(getattr(old, "__module__", "")) for old, _ in self.found.values()}
        libraries = theirs - sys.stdlib_module_names
        for name, module in _modules():
            if name not in _RUN_AGAIN and _package_of(name) not in libraries:
                self._replace_in(vars(module))

    def _replace_in(self, names: dict[str, object]) -> None:
        for name, value in list(names.items()):
            if id(value) in self.found:
                _, replacements = self.found[id(value)]
                # Imported under another name it is that of the last module, which is in Python.
                names[name] = replacements.get(name, next(reversed(replacements.values())))


def _make_log_locks() -> None:
    """Make those of the standard library's loggers anew: a library has made them its own."""
    import threading

    logging._lock = threading.RLock()  # type: ignore[attr-defined]  # as the libraries do
    for reference in logging._handlerList:  # type: ignore[attr-defined]  # as the libraries do
        handler = reference()
        if handler is not None:
            handler.createLock()


def _modules() -> Iterable[tuple[str, ModuleType]]:
    """All that are imported, but for what else may be in `sys.modules`, and for eventlet's copies
    (``__original_module_socket``)."""
    for name, module in list(sys.modules.items()):
        if type(module) is ModuleType and not name.startswith("__"):
            yield name, module


def _package_of(name: object) -> str:
    return str(name).partition(".")[0]
