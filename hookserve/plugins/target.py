"""Imports what a plugin names as ``"package.module:attribute"``."""

from __future__ import annotations

import importlib

from hookserve.errors import PluginError


def load_target(target: str) -> object:
    """What ``"package.module:attribute"`` names; raises whatever the import raises, and
    PluginError when the module has no such attribute."""
    module_name, _, attribute = target.partition(":")
    module = importlib.import_module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise PluginError(f"the module {module_name} has no attribute '{attribute}'") from None
