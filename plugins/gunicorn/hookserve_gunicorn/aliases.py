"""gunicorn's loggers as hooks and applications find them: other names of the server's own.

What is put on ``gunicorn.error`` or ``gunicorn.access`` (a filter, a handler, a level) is on
``hookserve`` or ``hookserve.access``, and the other way round.
"""

from __future__ import annotations

import logging
from typing import Any

ALIASES = {"gunicorn.error": "hookserve", "gunicorn.access": "hookserve.access"}
_SHARED = ("handlers", "filters", "level", "propagate", "disabled")


class Alias(logging.Logger):
    """A logger with the handlers, filters, level and propagation of another."""

    @property
    def parent(self) -> logging.Logger | None:
        """Where records go on: the handlers of a logger ``gunicorn`` are among those shared."""
        return logging.getLogger(ALIASES[self.name]).parent

    @parent.setter
    def parent(self, value: logging.Logger | None) -> None:
        """`logging` says so when a logger between it and the root is made: for `separate`."""
        vars(self)["parent"] = value


def _shared(attribute: str) -> property:
    def get(self: logging.Logger) -> object:
        return getattr(logging.getLogger(ALIASES[self.name]), attribute)

    def change(self: logging.Logger, value: object) -> None:
        setattr(logging.getLogger(ALIASES[self.name]), attribute, value)

    return property(get, change)


for _name in _SHARED:
    setattr(Alias, _name, _shared(_name))


def share() -> None:
    """Make the aliases share what the server's loggers have, and keep what was put on them before.

    Loggers that are a logger class's own, or that a logging configuration has set up beside the
    server's, are left alone.
    """
    for name, own_name in ALIASES.items():
        own, alias = logging.getLogger(own_name), logging.getLogger(name)
        if isinstance(alias, Alias) or _is_apart(name, own, alias):
            continue
        _move(alias.handlers, own.handlers)
        _move(alias.filters, own.filters)
        alias.__class__ = Alias


def separate() -> None:
    """Make the aliases loggers of their own again, with nothing on them."""
    for name in ALIASES:
        alias = logging.getLogger(name)
        if isinstance(alias, Alias):
            alias.__class__ = logging.Logger  # type: ignore[assignment]  # it was narrowed
            alias.handlers, alias.filters = [], []
            alias.propagate, alias.disabled = True, False
            alias.setLevel(logging.NOTSET)


def _is_apart(name: str, own: logging.Logger, alias: logging.Logger) -> bool:
    error_log = logging.getLogger("hookserve")
    if any(getattr(each, "is_forward", False) for each in error_log.handlers):
        return True
    return getattr(alias, "is_server_log", False)


def _move(given: list[Any], kept: list[Any]) -> None:  # Any: handlers or filters
    kept.extend(each for each in given if each not in kept)
