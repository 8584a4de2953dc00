"""How much memory a process takes, as the kernel tells in ``/proc``."""

from __future__ import annotations

import logging
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Meter:
    """Measures processes; `proc` is where proc(5) is mounted."""

    def __init__(self, measure: str, proc: str = "/proc") -> None:
        self._is_proportional = measure == "pss"
        self._proc = proc

    def measure(self, pid: int) -> int | None:
        """The bytes that a process takes; `None` when it is gone."""
        try:
            if self._is_proportional:
                return self._proportional(pid)
            return self._resident(pid)
        except (FileNotFoundError, ProcessLookupError):
            return None

    def _resident(self, pid: int) -> int:
        """All of its pages that are in memory, those that it shares included."""
        with open(f"{self._proc}/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * _PAGE

    def _proportional(self, pid: int) -> int:
        """Of a page that n processes share, each is charged 1/n."""
        try:
            with open(f"{self._proc}/{pid}/smaps_rollup", encoding="ascii") as file:
                for line in file:
                    if line.startswith("Pss:"):
                        return int(line.split()[1]) * 1024
        except PermissionError:
            # proc(5): it takes what ptrace(2) takes, which an arbiter of another user lacks when
            # its capabilities are bounded.
            logging.getLogger("hookserve").warning(
                "the kernel does not let the arbiter read a worker's pss: rss is measured instead"
                " (allow CAP_SYS_PTRACE, or set memory_measure to rss)"
            )
        self._is_proportional = False
        return self._resident(pid)
