"""Which files the workers have loaded, as they report it to the watching process.

A temporary file without a name, which the processes of the server share.  Workers append to it, the
watching process reads what is new: neither waits for the other, and a watching process that is
started again reads it from the beginning.  A line for each file: a stamp, a tab, the path.
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import sysconfig
import tempfile
import time

UNKNOWN = "?"
"""The stamp of a file that may have changed since it was loaded."""
_GRANULARITY = 10_000_000
"""Nanoseconds: the kernel's clock for files is behind by a tick at most."""
_STANDARD = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def stamp_of(path: str) -> str:
    """What changes when a file is saved, replaced or touched; empty when there is no such file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ""
    if stat.S_ISDIR(found.st_mode):
        return ""
    return f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"


def is_installed(path: str) -> bool:
    """Whether a file belongs to an installed distribution, or to Python."""
    return path.startswith(_STANDARD) or not _INSTALLED.isdisjoint(path.split(os.sep))


def module_files() -> set[str]:
    """The files of all modules of this process, but for the standard library's."""
    found = set()
    for module in tuple(sys.modules.values()):
        try:
            # Nothing that a lazy module would take for its first use.
            path = object.__getattribute__(module, "__dict__").get("__file__")
        except (AttributeError, TypeError):
            continue  # anything may be in sys.modules
        if isinstance(path, str) and os.path.isabs(path) and not _is_standard(path):
            found.add(path)
    return found


def _is_standard(path: str) -> bool:
    return path.startswith(_STANDARD) and _INSTALLED.isdisjoint(path.split(os.sep))


class LoadedFiles:
    """The shared file; made in the arbiter, before a worker is forked."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # it outlives this call
        # Two workers that write at once do not write to the same place.
        fcntl.fcntl(self._file, fcntl.F_SETFL, fcntl.fcntl(self._file, fcntl.F_GETFL) | os.O_APPEND)
        self._read = 0

    def append(self, stamps: dict[str, str]) -> None:
        """Add files, each with its stamp."""
        lines = [f"{stamp}\t{path}\n" for path, stamp in stamps.items() if "\n" not in path]
        self._file.write("".join(lines).encode(errors="surrogateescape"))

    def read(self) -> dict[str, str]:
        """The files that were added since the last call; of two stamps of one file, the first."""
        descriptor = self._file.fileno()
        data = os.pread(descriptor, os.fstat(descriptor).st_size - self._read, self._read)
        whole = data[: data.rfind(b"\n") + 1]
        self._read += len(whole)
        found: dict[str, str] = {}
        for line in whole.decode(errors="surrogateescape").split("\n")[:-1]:
            stamp, _, path = line.partition("\t")
            found.setdefault(path, stamp)
        return found

    def close(self) -> None:
        """Close it in this process."""
        self._file.close()


class Reporter:
    """Reports what this process has imported, each file once."""

    def __init__(self, loaded: LoadedFiles) -> None:
        self._loaded = loaded
        self._reported: set[str] = set()
        self._count = 0
        self._since = time.time_ns()
        """Nothing that is not reported was imported before."""

    def report(self) -> None:
        """Report the files of the modules that were imported since the last call."""
        if len(sys.modules) == self._count:
            return
        self._count = len(sys.modules)
        since, self._since = self._since - _GRANULARITY, time.time_ns()
        new = module_files() - self._reported
        self._reported |= new
        self._loaded.append({path: _stamp_of_import(path, since) for path in new})


def _stamp_of_import(path: str, since: int) -> str:
    """The stamp of a file that was imported after `since` (nanoseconds, the clock of files): what
    was saved after that may have been saved after the import too."""
    stamp = stamp_of(path)
    return UNKNOWN if stamp and since <= int(stamp.partition("-")[0]) <= time.time_ns() else stamp
