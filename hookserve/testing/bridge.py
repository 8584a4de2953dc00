"""Loads an application object of a test from the file that defines it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import cast


def specification_of(app: Callable[..., object]) -> str:
    """An application specification with which another process finds `app`.

    Raises ValueError for what a file does not define by name: lambdas, local functions.
    """
    name = getattr(app, "__qualname__", "")
    path = inspect.getsourcefile(inspect.unwrap(app))
    if not name or "<" in name or path is None:
        raise ValueError(f"{app!r} is not defined by name at the top of a file; pass 'module:name'")
    return f"hookserve.testing.bridge:load({path!r}, {name!r})"


def load(path: str, name: str) -> Callable[..., Iterable[bytes]]:
    """The object called `name` in the file at `path`."""
    specification = importlib.util.spec_from_file_location("application_under_test", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    found: object = module
    for part in name.split("."):
        found = getattr(found, part)
    return cast("Callable[..., Iterable[bytes]]", found)
