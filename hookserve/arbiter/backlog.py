"""The log of accept queues that are full: the kernel answers no new client there, and tells no
process.

The arbiter looks when it is awake for something else, and every few seconds while clients wait:
an idle server is not woken for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part
from hookserve.listeners.queues import accept_queues, describe

if TYPE_CHECKING:
    from hookserve.listeners.queues import AcceptQueue
    from hookserve.server import Server

_PAUSE = 5.0
"""Seconds between two looks."""
_WARNING_PAUSE = 60.0


class Backlog(Part):
    """Watches the queues of the current listeners."""

    def __init__(self, server: Server, clock: Callable[[], float]) -> None:
        self._server = server
        self._looks_at = clock() + _PAUSE
        self._has_waiting = False
        self._warnings_at: dict[str, float] = {}
        """By address: when it may be said again."""

    def due(self, now: float) -> float | None:
        """The next look, while clients wait."""
        return self._looks_at if self._has_waiting and not self._server.is_stopping else None

    def step(self, now: float) -> None:
        """Look, unless it was a short time ago."""
        if now < self._looks_at or self._server.is_stopping:
            return
        self._looks_at = now + _PAUSE
        queues = accept_queues(describe(self._server.listeners))
        self._has_waiting = any(each.length for each in queues)
        for queue in queues:
            is_due = now >= self._warnings_at.get(queue.address, 0.0)
            if queue.limit and queue.length >= queue.limit and is_due:
                self._warnings_at[queue.address] = now + _WARNING_PAUSE
                self._warn(queue)

    def _warn(self, queue: AcceptQueue) -> None:
        remedy = "more workers or threads serve more"
        if not self._server.config.get("queue_timeout"):
            remedy += ", queue_timeout refuses what has waited for too long"
        self._server.log.warning(
            "the accept queue of %s is full (%d wait, backlog and kernel allow %d): new clients"
            " get no response (%s; said once in %g s)",
            queue.address,
            queue.length,
            queue.limit,
            remedy,
            _WARNING_PAUSE,
        )
