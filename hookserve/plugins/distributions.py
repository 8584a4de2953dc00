"""Installed distributions that have entry points of hookserve's group.

What pip installs leaves a folder ``NAME-VERSION.dist-info`` on the path, and in it a file
``entry_points.txt`` (the specifications "Recording installed projects" and "Entry points").  Those
are read here.  What can be there in another way, in zip files, eggs and the finders of others, is
left to importlib_metadata, which knows them all: to import it takes longer than everything else
that a start has to find out, and a megabyte and a half in each process.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial

GROUP = "hookserve"
SETTINGS_GROUP = "hookserve.settings"
COMMANDS_GROUP = "hookserve.commands"
VARIABLES_GROUP = "hookserve.variables"
ON_DEMAND = (SETTINGS_GROUP, COMMANDS_GROUP, VARIABLES_GROUP)
"""The settings, commands and variables of plugins that need not be loaded before one of them is
used: the value is the plugin's own."""

_FOLDERS = (".dist-info", ".egg-info")
_PATH_FINDERS = ("_frozen_importlib_external", "importlib_metadata")


class Distribution:
    """An installed distribution."""

    def __init__(self, key: str, read_text: Callable[[str], str | None]) -> None:
        self.key = key
        """Its name, normalized."""
        self.read_text = read_text
        """The text of a file of its metadata; `None` when there is no such file."""
        self._groups: dict[str, list[tuple[str, str]]] | None = None

    @cached_property
    def fields(self) -> dict[str, list[str]]:
        """The fields of its core metadata that matter here.

        Scanned by hand: parsing the whole file as an e-mail message takes milliseconds for
        each distribution, and listing fifty plugins has a budget.
        """
        fields: dict[str, list[str]] = {"Name": [], "Version": [], "Requires-Dist": []}
        text = self.read_text("METADATA") or self.read_text("PKG-INFO") or ""
        for line in text.splitlines():
            if not line:
                break
            name, _, value = line.partition(": ")
            if name in fields:
                fields[name].append(value.strip())
        return fields

    def entry_points(self, group: str) -> list[tuple[str, str]]:
        """Names and values of one group."""
        if self._groups is None:
            text = self.read_text("entry_points.txt") or ""
            self._groups = _sections(text) if f"[{GROUP}" in text else {}
        return self._groups.get(group, [])

    @cached_property
    def _named(self) -> dict[tuple[str, str], list[str]]:
        """Settings, commands and variables by group and value."""
        found: dict[tuple[str, str], list[str]] = {}
        for group in ON_DEMAND:
            for name, value in self.entry_points(group):
                found.setdefault((group, value), []).append(name)
        return found

    def names(self, group: str, value: str) -> Sequence[str]:
        """What it names in one of the groups `ON_DEMAND` for the plugin of that entry point."""
        return self._named.get((group, value), ())


EntryPoint = tuple[str, str, Distribution]
"""Name, value and owner."""


def entry_points() -> Iterator[EntryPoint]:
    """The entry points of the group, in no order."""
    for distribution in _installed():
        for name, value in distribution.entry_points(GROUP):
            yield name, value, distribution


def find_distribution(name: str) -> Distribution | None:
    """The installed distribution of that name, whatever it offers."""
    key = normalized(name)
    return next((each for each in _installed() if each.key == key), None)


def normalized(name: str) -> str:
    """A distribution's name as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _needs_library() -> bool:
    """Whether something may be installed in another way than in folders."""
    for finder in sys.meta_path:
        if hasattr(finder, "find_distributions"):
            of = finder if isinstance(finder, type) else type(finder)
            if of.__module__.partition(".")[0] not in _PATH_FINDERS:
                return True
    return any(entry.endswith(".egg") or os.path.isfile(entry) for entry in sys.path)


def _installed() -> Iterator[Distribution]:
    """What is installed; of two distributions with one name, the first on the path."""
    seen: set[str] = set()
    for found in _from_library() if _needs_library() else _from_folders():
        if found.key not in seen:
            seen.add(found.key)
            yield found


def _from_library() -> Iterator[Distribution]:
    import importlib_metadata

    for found in importlib_metadata.distributions():
        yield Distribution(normalized(found.name or ""), found.read_text)


def _from_folders() -> Iterator[Distribution]:
    for entry in sys.path:
        try:
            children = os.listdir(entry or ".")
        except OSError:
            continue
        for child in children:
            if child.endswith(_FOLDERS):
                name = child.rpartition(".")[0].partition("-")[0]
                yield Distribution(normalized(name), partial(_read, os.path.join(entry, child)))


def _read(folder: str, name: str) -> str | None:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def _sections(text: str) -> dict[str, list[tuple[str, str]]]:
    """Names and values of the sections of an ``entry_points.txt`` that are hookserve's."""
    found: dict[str, list[tuple[str, str]]] = {}
    section = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
            section = found.setdefault(group, []) if group.startswith(GROUP) else None
        elif section is not None and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            section.append((name.strip(), value.strip()))
    return found
