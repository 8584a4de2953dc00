"""Stands in for ``gunicorn.workers.base``."""

from __future__ import annotations

from typing import NoReturn


class _Fixed(type):
    """The class of these classes: a change of one would have no effect."""

    def __setattr__(cls, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"gunicorn's {cls.__name__} does not serve in hookserve: {name} cannot be changed"
            " (what it does belongs into hooks)"
        )


class Worker(metaclass=_Fixed):
    """The base of gunicorn's worker classes."""
