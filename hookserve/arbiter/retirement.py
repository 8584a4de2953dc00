"""Retired listeners: clients that wait there are served, and new ones are refused at once.

A listening socket accepts clients for as long as any process holds it, and a worker that runs a
long request holds it until then.  So the arbiter keeps its descriptor until the queue is empty, and
ends the socket for all processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.listeners.listeners import Listener

_PAUSE = 0.05
"""Seconds between two looks at the queues."""


class Retirement(Part):
    """The listeners that no worker will accept from any more."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._waiting: list[Listener] = []
        self._looks_at = 0.0

    def retire(self, listener: Listener) -> None:
        """Refuse new connections: now, if none waits, else when the last one is accepted."""
        if listener not in self._waiting:
            listener.refuse_new_connections()
            self._waiting.append(listener)
            self._look(self._arbiter.clock())

    def due(self, now: float) -> float | None:
        """When the queues are looked at again."""
        return self._looks_at if self._waiting else None

    def step(self, now: float) -> None:
        """End the sockets whose queue is empty."""
        if self._waiting and now >= self._looks_at:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looks_at = now + _PAUSE
        for listener in self._waiting[:]:
            if listener.fileno() < 0 or listener.stop_listening():
                self._waiting.remove(listener)
                listener.close()
