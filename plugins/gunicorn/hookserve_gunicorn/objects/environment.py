"""The variables of `raw_env` in the arbiter, while a hook runs there."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def with_raw_env(call: Callable[..., object], place: int) -> Callable[..., object]:
    """`call` with the variables of `raw_env` in the environment, as in gunicorn's arbiter.

    They leave it afterwards, but for those that the hook has changed: a successor (USR2) and a
    reload begin with the environment that the server was started with.  `place` is that of the
    server among the arguments.
    """

    def call_with(*values: Any) -> object:  # Any: the hook's
        given = dict(each.partition("=")[::2] for each in values[place].config.raw_env)
        if not given:
            return call(*values)
        before = {name: os.environ.get(name) for name in given}
        os.environ.update(given)
        try:
            return call(*values)
        finally:
            for name, value in before.items():
                if os.environ.get(name) == given[name]:
                    _set(name, value)

    return call_with


def _set(name: str, value: str | None) -> None:
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value
