"""Modules that stand in for the package ``gunicorn`` where it is not installed.

Configuration files and logger classes import from it.  `Finder` is asked last, so that a package
that is there is used; and it answers only while a configuration file or a logger is loaded, so
that an application which asks whether gunicorn is there gets the truth.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

SERVER = "gunicorn"
SERVER_SOFTWARE = "gunicorn/27.0.0"
__version__ = "27.0.0"
version_info = (27, 0, 0)

_FOLDER = Path(__file__).parent


class Finder(importlib.abc.MetaPathFinder):
    """Finds ``gunicorn`` and what is in it here."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder.find_spec`."""
        package, *parts = fullname.split(".")
        if package != "gunicorn":
            return None
        folder = _FOLDER.joinpath(*parts)
        if (folder / "__init__.py").exists():
            return importlib.util.spec_from_file_location(
                fullname, folder / "__init__.py", submodule_search_locations=[str(folder)]
            )
        module = folder.with_suffix(".py")
        return importlib.util.spec_from_file_location(fullname, module) if module.exists() else None


@contextmanager
def standing_in() -> Iterator[None]:
    """Let ``import gunicorn`` find the stand-in inside, unless the package is there."""
    finder = Finder()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
