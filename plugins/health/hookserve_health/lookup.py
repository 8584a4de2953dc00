"""Whether a check of the application is there, as far as that is seen without an import.

An import runs the module, and the process that has the checks is the only one that is to do so.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec

from hookserve.wording import did_you_mean


def find_fault(target: str, is_certain: bool) -> str:
    """Why there cannot be a check ``module:function``; empty: there may be one.

    Where `is_certain`, a module is not missing that its package may find elsewhere once it is
    imported.
    """
    module, _, name = target.partition(":")
    found: object = sys.modules.get(module)
    if found is None:
        missing = _find_missing(module, is_certain)
        return f"there is no module {missing}" if missing else ""
    for part in name.split("."):
        if not hasattr(found, part):
            names = [each for each in dir(found) if not each.startswith("_")]
            return f"the module {module} has no attribute '{name}'{did_you_mean(part, names)}"
        found = getattr(found, part)
    return (
        "" if callable(found) else f"{target} is not callable, it is of type {type(found).__name__}"
    )


def _find_missing(module: str, is_certain: bool) -> str:
    """The first package on the way to a module, or itself, that no finder knows."""
    path: Iterable[str] | None = None
    is_known = True
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        loaded = sys.modules.get(name)
        if loaded is not None:
            path = getattr(loaded, "__path__", ())
            continue
        try:
            spec = _find_spec(name, path)
            locations = None if spec is None else spec.submodule_search_locations
            path = () if locations is None else list(locations)
        except Exception:  # a finder, or a package that is not imported: it is not known
            return ""
        if spec is None:
            return name if is_known or not is_certain else ""
        is_known = False
    return ""


def _find_spec(name: str, path: Iterable[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None if path is None else list(path))
        if spec is not None:
            return spec
    return None
