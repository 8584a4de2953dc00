"""Hooks written in the configuration file, as in gunicorn's."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginHost


@hookimpl
def file_plugins(module: ModuleType, host: PluginHost) -> list[object]:
    """One plugin with the hooks that the file defines, if it defines any."""
    from hookserve_confhooks.adapter import adapt

    def replace(name: str, function: Callable[..., object], parameters: tuple[str, ...]) -> object:
        return calling.fire(host.hook.adapt_file_hook, name, function, parameters)

    plugin = adapt(module, replace)
    return [] if plugin is None else [plugin]
