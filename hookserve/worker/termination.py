"""When an auxiliary process that has had TERM ends: it serves as long as any worker does.

TERM comes from the arbiter when the server drains, and when a reload replaces the process.  It may
come from elsewhere too: service managers and terminals send it to every process of the server.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookserve.worker.reading import Reading

_PAUSE = 0.1
"""Seconds between two looks at the server, once TERM has come."""
_ARBITER_TIME = 0.5
"""Seconds in which the arbiter begins to stop, where TERM was for all processes."""
_EXIT_CODE = 128 + signal.SIGTERM


class Termination:
    """Whether an auxiliary process of one generation has had TERM, and may end."""

    def __init__(
        self,
        read: Callable[[], Reading],
        generation: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`read` reads the scoreboard; `generation` is the number of the process's own."""
        self._read, self._generation, self._clock = read, generation, clock
        self._came_at = inf

    def on_sigterm(self, *_: object) -> None:
        """TERM has come; a signal handler."""
        self._came_at = min(self._came_at, self._clock())

    @property
    def pause(self) -> float:
        """For how long the process may wait before it calls `is_over`, in seconds."""
        return inf if self._came_at == inf else _PAUSE

    def is_over(self) -> bool:
        """Whether TERM has come, and the process is of no more use."""
        now = self._clock()
        if now < self._came_at:
            return False
        reading = self._read()
        if reading.is_stopping:
            return not reading.workers
        # A reload replaces the process: the next one sees the scoreboards that there are now.
        if reading.generation > self._generation or reading.reloads_wanted:
            return True
        # TERM in the drain delay was for all processes: the workers that it has ended are replaced.
        return not reading.is_draining and now >= self._came_at + _ARBITER_TIME

    @property
    def ends_server(self) -> bool:
        """Whether no process follows: the whole server ends."""
        return self._read().is_stopping

    def exit(self) -> None:
        """Return where the arbiter has sent TERM.  Raises SystemExit where another may have: the
        server goes on, and the arbiter starts a process again that has failed."""
        reading = self._read()
        if not reading.is_stopping and reading.generation <= self._generation:
            raise SystemExit(_EXIT_CODE)
