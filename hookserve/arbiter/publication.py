"""Writes what the arbiter knows of the whole server into the scoreboard, for every process to read.

During a reload that needed a larger scoreboard there are two of them, until the last worker of the
earlier configuration is gone; both have the same server record.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part

if TYPE_CHECKING:
    from hookserve.arbiter.handles import WorkerHandle
    from hookserve.server import Server
    from hookserve.types import ExitReason
    from hookserve.worker.server_record import ServerRecord


class Publication(Part):
    """Keeps the server records true."""

    def __init__(self, server: Server, clock: Callable[[], float]) -> None:
        self._server, self._clock = server, clock
        self.reloads_requested: list[float] = []
        """When the reloads that have not ended were asked for, in seconds of the monotonic clock,
        which goes on across a re-exec."""

    @property
    def record(self) -> ServerRecord:
        """The current scoreboard's."""
        return self._server.scoreboards[0].server

    def step(self, now: float) -> None:
        """Write what the last turn has changed."""
        server = self._server
        for scoreboard in server.scoreboards:
            record = scoreboard.server
            record.pid, record.generation = server.pid, server.generation
            record.wanted, record.capacity = server.num_workers, server.worker_capacity

    def set_due(self, moment: float | None) -> None:
        """The arbiter does something at that moment at the latest; `None`: when it is woken.  A
        reader sees that it does not, be it stopped or in a hook that does not return."""
        for scoreboard in self._server.scoreboards:
            scoreboard.server.due = math.inf if moment is None else moment

    def on_reload(self) -> None:
        """A reload is wanted: it begins now, or when another has ended."""
        self.reloads_requested.append(self._clock())
        self._set_wanted(min(2, self.record.reloads_wanted + 1))

    def on_reload_end(self, reason: str = "") -> None:
        """A reload is complete or, for that reason, without effect."""
        # An older version does not hand the moment over.
        seconds = self._clock() - self.reloads_requested.pop(0) if self.reloads_requested else 0.0
        self._set_wanted(max(0, self.record.reloads_wanted - 1))
        self.record.generation = self._server.generation
        self.record.add_reload(time.time(), seconds, reason, is_complete=not reason)
        self._copy()

    def on_worker_exit(self, handle: WorkerHandle, reason: ExitReason) -> None:
        """A worker is gone."""
        lifetime = self._clock() - handle.ready_at if handle.ready_at else 0.0
        self.record.add_exit(time.time(), handle.slot, lifetime, reason)
        self._copy()

    def release(self, handle: WorkerHandle) -> None:
        """Keep a worker's counters, and give its slot back: readers see both or none of it."""
        with ExitStack() as stack:
            for scoreboard in {handle.scoreboard, self._server.scoreboards[0]}:
                stack.enter_context(scoreboard.server.change())
            self.record.add(handle.slot)
            self._copy()
            handle.scoreboard.give_back(handle.slot)

    def _set_wanted(self, count: int) -> None:
        for scoreboard in self._server.scoreboards:
            scoreboard.server.reloads_wanted = count

    def _copy(self) -> None:
        for scoreboard in self._server.scoreboards:
            if scoreboard.server is not self.record:
                scoreboard.server.copy(self.record)
