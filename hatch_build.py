"""Puts the bundled plugins into the wheel: those that the project's entry points name.

The plugin NAME is the package ``plugins/NAME/hookserve_NAME``.  A wheel has it as a package at the
top; an editable installation has its folder on the path.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundledPlugins(BuildHookInterface):  # type: ignore[type-arg]  # generic in newer releases
    """Adds each bundled plugin before a wheel is built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # Any: hatch's own
        """Extend the wheel's files, or the folders of an editable installation."""
        folders = {
            package: f"plugins/{name}"
            for name, package in self.metadata.core.entry_points["hookserve"].items()
        }
        if version == "editable":
            self.build_config.target_config["dev-mode-dirs"] = [".", *folders.values()]
            return
        for package, folder in folders.items():
            build_data["force_include"][f"{self.root}/{folder}/{package}"] = package
