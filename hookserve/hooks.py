"""A marker for each hook, which a type checker compares with the hook's specification.

::

    from hookserve import hooks

    @hooks.post_fork
    def note_start(server: ServerView, worker: Worker) -> None: ...

A wrong name of a hook or of an argument, a wrong type and a wrong result are errors of mypy and
pyright.  An implementation asks for those arguments that it wants, in any order, and has any name.
At run time each is `hookserve.hookimpl` with the name of the hook, and takes its arguments:
``@hooks.load_app(tryfirst=True)``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from hookserve.hookmarkers import hookimpl
from hookserve.hookspecs import Hooks
from hookserve.wording import did_you_mean


def __dir__() -> list[str]:
    return [name for name in dir(Hooks) if not name.startswith("_")]


def __getattr__(name: str) -> Any:  # Any: hooks.pyi says what
    if name.startswith("_") or not hasattr(Hooks, name):
        raise AttributeError(f"'{name}' is not a hook{did_you_mean(name, __dir__())}")
    return partial(hookimpl, specname=name)
