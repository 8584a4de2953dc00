"""Hooks written in the configuration file, as in gunicorn's."""

from __future__ import annotations

from types import ModuleType

from hookserve import hookimpl


@hookimpl
def file_plugins(module: ModuleType) -> list[object]:
    """One plugin with the hooks that the file defines, if it defines any."""
    from hookserve_confhooks.adapter import adapt

    plugin = adapt(module)
    return [] if plugin is None else [plugin]
