"""Retired listeners: clients that wait there are served, and new ones are refused at once.

A listening socket accepts clients for as long as any process holds it, and a worker that runs a
long request holds it until then.  So the arbiter keeps its descriptor until the queue is empty, and
ends the socket for all processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part

if TYPE_CHECKING:
    from hookserve.listeners.listener import Listener

_PAUSE = 0.05
"""Seconds between two looks at the queues."""
_HANDSHAKE_TIME = 1.5
"""How long handshakes that are under way are waited for, in seconds: a client that sends nothing is
held back for one second by TCP_DEFER_ACCEPT, and one that never completes its handshake is not
waited for."""


class Retirement(Part):
    """The listeners that no worker will accept from any more."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: list[Listener] = []
        self._looks_at = self._settles_by = 0.0

    def retire(self, listeners: Iterable[Listener]) -> None:
        """Refuse new connections: now, if none waits, else when the last one is accepted."""
        for listener in listeners:
            if listener not in self._waiting:
                listener.refuse_new_connections()
                self._waiting.append(listener)
        now = self._clock()
        self._settles_by = now + _HANDSHAKE_TIME
        self._look(now)

    def has_handshake(self, now: float) -> bool:
        """Whether a client may still come into a queue, and is waited for."""
        return now < self._settles_by and any(each.has_handshake() for each in self._waiting)

    def due(self, now: float) -> float | None:
        """When the queues are looked at again."""
        return self._looks_at if self._waiting else None

    def step(self, now: float) -> None:
        """End the sockets whose queue is empty."""
        if self._waiting and now >= self._looks_at:
            self._look(now)

    def _look(self, now: float) -> None:
        self._looks_at = now + _PAUSE
        if self.has_handshake(now):
            return
        for listener in self._waiting[:]:
            if listener.fileno() < 0 or listener.stop_listening():
                self._waiting.remove(listener)
                listener.close()
