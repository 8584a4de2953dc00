"""Process titles, when setproctitle is installed."""

from __future__ import annotations

import importlib
import importlib.util


def set_title(name: str | None, role: str) -> None:
    """Call the process ``hookserve: ROLE [NAME]``; without setproctitle nothing happens."""
    if importlib.util.find_spec("setproctitle") is None:
        return
    module = importlib.import_module("setproctitle")
    module.setproctitle(f"hookserve: {role}" + (f" [{name}]" if name else ""))
