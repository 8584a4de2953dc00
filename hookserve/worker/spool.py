"""Temporary files of a worker: request bodies and unread responses, within bounds.

What a client sends or does not read must not fill the disk.  Each file has a limit, and the files
of a worker have one together; beyond them a write fails as on a full disk.
"""

from __future__ import annotations

import errno
import io

from hookserve.system.calls import make_lock


class SpoolBudget:
    """How many bytes the temporary files of one worker may have together; used by all threads."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = make_lock()
        self.used = 0
        """Bytes in files that are open."""

    def take(self, count: int) -> None:
        """Account for more bytes; raises OSError (EDQUOT) beyond the limit."""
        with self._lock:
            if self._limit and self.used + count > self._limit:
                raise OSError(errno.EDQUOT, "spool_worker_limit is reached")
            self.used += count

    def give_back(self, count: int) -> None:
        """A file with so many bytes is closed."""
        with self._lock:
            self.used -= count


class SpoolFile(io.BufferedRandom):
    """An unnamed temporary file around `raw`, of one connection; `limit` in bytes, 0: none."""

    def __init__(self, raw: io.FileIO, budget: SpoolBudget, limit: int) -> None:
        super().__init__(raw)
        self._budget = budget
        self._limit = limit
        self._reserved = 0

    def reserve(self, count: int) -> None:
        """Account for bytes that are about to be written; raises OSError (EDQUOT)."""
        if self._limit and self._reserved + count > self._limit:
            raise OSError(errno.EDQUOT, "spool_connection_limit is reached")
        self._budget.take(count)
        self._reserved += count

    def write(self, data: bytes | memoryview, /) -> int:  # type: ignore[override]  # what is written here
        """As `io.BufferedRandom.write`, within the limits."""
        self.reserve(len(data))
        return super().write(data)

    def close(self) -> None:
        """Close, and free what was reserved."""
        reserved, self._reserved = self._reserved, 0
        self._budget.give_back(reserved)
        super().close()
