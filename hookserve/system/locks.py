"""A lock on a directory: of two starts that claim a path in it, one comes first."""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator

_LIMIT = 2.0
"""Seconds to wait for another start in the same directory; a start holds the lock for less."""


@contextlib.contextmanager
def directory_lock(descriptor: int) -> Iterator[None]:
    """Between the check of a path and its claim no other start comes in (flock(2)).

    The lock orders starts; a process that never releases it must not stop a server, nor must a
    file system without locks.
    """
    limit = time.monotonic() + _LIMIT
    while not _is_taken(descriptor) and time.monotonic() < limit:
        time.sleep(0.01)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_taken(descriptor: int) -> bool:
    """Whether this process has the lock now, or cannot have it at all."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True
