"""The files that are watched, and which of them have changed.

Whether a file has changed is decided by its stamp alone, however the watching process was woken: so
a byte-code file, an editor's temporary file or an access is never taken for a change.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping

from hookserve_reload.loaded import is_installed, stamp_of

_LEFT_OUT = frozenset({"__pycache__", "node_modules", "site-packages", "dist-packages"})
_MOST_FOLDERS = 2000
"""Of one tree: a project that lies in the root of a disk does not make all of it watched."""


def is_pattern(entry: str) -> bool:
    """Whether an entry is a pattern (`glob`), and not a path."""
    return any(sign in entry for sign in "*?[")


class Watched:
    """Files by path, each with the stamp that it had when it was last looked at."""

    def __init__(self, files: Iterable[str], extra: Iterable[str] = ()) -> None:
        """`files` are paths; `extra` are paths, folders with all in them, and patterns."""
        self._files = set(files)
        self._folders: set[str] = set()
        self._patterns: set[str] = set()
        for entry in extra:
            if os.path.isdir(entry):
                self._folders.add(entry)
            else:
                (self._patterns if is_pattern(entry) else self._files).add(entry)
        self._projects: set[str] = set()
        """Folders of which each Python file counts, imported or not."""
        self._stamps = self._look()

    def __len__(self) -> int:
        return len(self._stamps)

    def add(self, stamps: Mapping[str, str]) -> None:
        """Watch more files, each from the stamp that it had when it was loaded."""
        for path, stamp in stamps.items():
            if path not in self._files:
                self._files.add(path)
                self._stamps[path] = stamp

    def changes(self) -> list[str]:
        """The paths of what was saved, made or deleted since the last call, sorted."""
        before, self._stamps = self._stamps, self._look()
        return sorted(
            path
            for path in before.keys() | self._stamps.keys()
            if before.get(path, "") != self._stamps.get(path, "")
        )

    def include_projects(self) -> None:
        """Watch every Python file below the folders of the application's own modules: what is
        missing or broken is not among those that were imported."""
        found = {os.path.dirname(path) for path in self._files if path.endswith(".py")}
        own = {folder for folder in found if not is_installed(folder)}
        self._projects = {each for each in own if not _is_below(each, own)}
        self._stamps = {path: stamp_of(path) for path in self._project_files()} | self._stamps

    def directories(self) -> set[str]:
        """The directories in which something may happen that `changes` has to look at."""
        found = {os.path.dirname(path) for path in self._stamps}
        for pattern in self._patterns:
            base, rest = _split(pattern)
            found.update([base] if os.sep not in rest else (path for path, _ in _walk(base)))
        for folder in self._folders | self._projects:
            found.update(path for path, _ in _walk(folder))
        return {folder for folder in found if os.path.isdir(folder)}

    def _look(self) -> dict[str, str]:
        paths = set(self._files)
        for pattern in self._patterns:
            paths.update(glob.iglob(pattern, recursive=True))
        for folder in self._folders:
            paths.update(_files_below(folder))
        paths.update(self._project_files())
        return {path: stamp_of(path) for path in paths}

    def _project_files(self) -> Iterator[str]:
        for folder in self._projects:
            yield from (path for path in _files_below(folder) if path.endswith(".py"))


def _is_below(folder: str, others: Iterable[str]) -> bool:
    return any(folder.startswith(other.rstrip(os.sep) + os.sep) for other in others)


def _split(pattern: str) -> tuple[str, str]:
    """The folder that a pattern begins with, and what follows from the first sign of one on."""
    parts = pattern.split(os.sep)
    first = next(number for number, part in enumerate(parts) if is_pattern(part))
    return os.sep.join(parts[:first]) or os.sep, os.sep.join(parts[first:])


def _walk(folder: str) -> Iterator[tuple[str, list[str]]]:
    """The folders of a tree, itself included, each with the names of its files; neither hidden
    folders nor those of installed packages."""
    for number, (path, folders, names) in enumerate(os.walk(folder)):
        if number == _MOST_FOLDERS:
            return
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".")
            and name not in _LEFT_OUT
            and not os.path.exists(os.path.join(path, name, "pyvenv.cfg"))
        ]
        yield path, names


def _files_below(folder: str) -> Iterator[str]:
    """The files of a tree, without what editors write beside them."""
    for path, names in _walk(folder):
        for name in names:
            if not name.startswith((".", "#")) and not name.endswith("~"):
                yield os.path.join(path, name)
