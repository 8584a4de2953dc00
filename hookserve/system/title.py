"""Process titles, when setproctitle is installed."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def set_title(name: str | None, role: str) -> None:
    """Call the process ``hookserve: ROLE [NAME]``; without setproctitle nothing happens."""
    change = _setproctitle()
    if change is not None:
        change(f"hookserve: {role}" + (f" [{name}]" if name else ""))


@cache
def _setproctitle() -> Callable[[str], None] | None:
    """Looked for once, in the arbiter: no worker has to find out that it is not there."""
    try:
        module = import_module("setproctitle")
    except ImportError:
        return None
    return module.setproctitle  # type: ignore[no-any-return]  # a package without types
