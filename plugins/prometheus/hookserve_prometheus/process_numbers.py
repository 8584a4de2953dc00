"""A number for each process that runs, which a later process has again.

prometheus_client keeps the metrics of each process in files that bear its process id, so there are
more of them with every process that ever was.  With these numbers there are as many as processes
run at once, and a process goes on with the counters of the one that had its number before.

A number is held by a lock on a file (flock(2)), which the kernel releases with the process, however
it ends, and which holds across a reload.
"""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".lock"


class ProcessNumbers:
    """Gives each process its number when it first asks; a forked process asks anew."""

    def __init__(self, directory: str, first_prefix: str = "") -> None:
        """`first_prefix` is put before the number of this process; those that it forks have
        none."""
        self._directory = directory
        self._prefix = first_prefix
        self._descriptor = -1
        self._number = ""
        os.register_at_fork(after_in_child=self._forget)

    def __call__(self) -> str:
        """The number of this process; raises OSError where no file can be made."""
        return self._number or self._take()

    def _take(self) -> str:
        for number in itertools.count():
            name = f"{self._prefix}{number}"
            descriptor = lock(Path(self._directory, f"{name}{_SUFFIX}"))
            if descriptor is not None:
                clear(self._directory, name)
                self._descriptor, self._number = descriptor, name
                break
        return self._number

    def _forget(self) -> None:
        """The parent goes on with its number: its lock is held until both have closed it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._number, self._prefix = -1, "", ""


def lock(path: Path, flags: int = os.O_CREAT) -> int | None:
    """A descriptor that holds the lock on a file, which is made; `None` while another process
    holds it.  A link is not followed: the user of the workers may own the directory.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def clear(directory: str, name: str) -> None:
    """Remove the gauges that live only as long as their process; its lock is held."""
    for path in Path(directory).glob(f"gauge_live*_{name}.db"):
        path.unlink(missing_ok=True)


def clear_ended(directory: str) -> None:
    """Do so for each process that has ended."""
    for path in _locks(directory):
        with suppress(OSError):  # it is no file, or not there any more
            descriptor = lock(path, flags=0)
            if descriptor is not None:
                try:
                    clear(directory, path.name.removesuffix(_SUFFIX))
                finally:
                    os.close(descriptor)


def names(directory: str) -> set[str]:
    """The names that processes have or had."""
    return {path.name.removesuffix(_SUFFIX) for path in _locks(directory)}


def _locks(directory: str) -> Iterator[Path]:
    return Path(directory).glob(f"*{_SUFFIX}")
