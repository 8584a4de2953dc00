"""Modules that stand in for the package ``gunicorn`` where it is not installed.

Configuration files and logger classes import from it.  `Finder` is asked last, so that a package
that is there is used; and it answers only while a configuration file or a logger is loaded, so
that an application which asks whether gunicorn is there gets the truth.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from importlib.abc import MetaPathFinder
    from importlib.machinery import ModuleSpec

SERVER = "gunicorn"
SERVER_SOFTWARE = "gunicorn/27.0.0"
__version__ = "27.0.0"
version_info = (27, 0, 0)

_FOLDER = os.path.dirname(__file__)
_HINTS = {
    "arbiter": "hooks get the arbiter as server: leave the import out, or put a type's under"
    " typing.TYPE_CHECKING",
    "http": "hooks get the request as req and the response as resp; no code of gunicorn's reads or"
    " writes HTTP here. The header Server is left out with --no-server-header",
    "workers": "a worker is chosen by its name: sync, gthread, gevent, eventlet, tornado, asyncio",
}
"""What to do about an import, by what follows ``gunicorn.``."""
_OTHER = "of gunicorn's packages there are app, config, glogging, instrument, util and workers"


class Finder:
    """Finds ``gunicorn`` and what is in it here.

    It does not derive from `importlib.abc.MetaPathFinder`, whose import would take as long as that
    of the whole plugin, at each start.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder.find_spec`; raises ModuleNotFoundError for a module of
        gunicorn's that has no stand-in."""
        package, *parts = fullname.split(".")
        if package != "gunicorn":
            return None
        from importlib.util import spec_from_file_location

        folder = os.path.join(_FOLDER, *parts)
        package_file, module_file = os.path.join(folder, "__init__.py"), f"{folder}.py"
        if os.path.exists(package_file):
            return spec_from_file_location(
                fullname, package_file, submodule_search_locations=[folder]
            )
        if os.path.exists(module_file):
            return spec_from_file_location(fullname, module_file)
        hint = _HINTS.get(parts[0] if parts else "", _OTHER)
        raise ModuleNotFoundError(f"hookserve has no {fullname} ({hint})", name=fullname)


@contextmanager
def standing_in() -> Iterator[None]:
    """Let ``import gunicorn`` find the stand-in inside, unless the package is there."""
    finder = cast("MetaPathFinder", Finder())
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
