"""The process calls of the arbiter, as an object: tests pass one that forks nothing."""

from __future__ import annotations

import os

from hookserve.system.calls import fork, reap


class Processes:
    """fork(2), kill(2) and waitpid(2)."""

    def fork(self) -> int:
        """0 in the child, its process id in the parent; raises OSError."""
        return fork()

    def kill(self, pid: int, number: int) -> None:
        """Send a signal; a process that is gone is no error."""
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def reap(self, pid: int) -> int | None:
        """The wait status of a child that has ended, `None` while it runs."""
        return reap(pid)
