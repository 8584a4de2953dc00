"""The sibling workers of one that accepts: how loaded they are, and how to notify one.

The scoreboard says how many connections each worker has open and whether it could run another
request.  Each slot has a *wake-up descriptor* (eventfd(2)), made by the arbiter before it forks.
The kernel wakes one worker for each connection that arrives, and none for those that a worker
yields; the descriptor wakes the sibling that they are yielded to.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from hookserve.worker.scoreboard import READY

if TYPE_CHECKING:
    from hookserve.worker.scoreboard import Scoreboard, Slot

YIELD_TIMEOUT = 0.001
"""Seconds in which a notified sibling has to accept: the shortest wait of a poller."""
IMBALANCE_THRESHOLD, _IMBALANCE_SHARE = 4, 16
"""Connections that a worker has more than a sibling before it yields any: so many, and one in so
many of its own.  Less would be more even, and would wake workers more often."""


class Siblings:
    """The other workers of one, as far as they have wake-up descriptors."""

    def __init__(self, scoreboard: Scoreboard, slot: Slot) -> None:
        self._scoreboard = scoreboard
        self._slot = slot
        self._wakeup_fds = scoreboard.wakeup_fds
        self._states = scoreboard.states
        self._open = scoreboard.open_connections
        self._acknowledged = scoreboard.acknowledged
        number = slot.number
        self.wakeup_fd = self._wakeup_fds[number] if number < len(self._wakeup_fds) else -1
        """The worker's own wake-up descriptor; -1: it has none."""
        self._notified: dict[int, tuple[int, int]] = {}
        """By slot: the notices that its worker had acknowledged when it was notified, and the own
        connections then."""

    def least_loaded(self, count: int) -> int:
        """The slot of the worker with the fewest connections that could take one now, when
        `count` are clearly more; -1: there is none."""
        found, most = -1, count - IMBALANCE_THRESHOLD - count // _IMBALANCE_SHARE
        if most >= 0:
            for number, state in enumerate(self._states.tolist()):
                if state == READY and self._open[number] <= most and self._responds(number, count):
                    found, most = number, self._open[number] - 1
        return found

    def has_more(self, count: int) -> bool:
        """Whether another worker has more connections than `count`, the own ones."""
        both = zip(self._states.tolist(), self._open.tolist(), strict=True)
        return any(state == READY and each > count for state, each in both)

    def notify(self, number: int, count: int) -> None:
        """Have that worker check whether a connection waits to be accepted."""
        self._notified[number] = self._acknowledged[number], count
        os.eventfd_write(self._wakeup_fds[number], 1)

    def acknowledge(self) -> None:
        """Record that the worker was notified, and accepts."""
        self._slot.acknowledged += 1

    def _responds(self, number: int, count: int) -> bool:
        """Whether that worker may be expected to accept.  One that was notified in vain (stopped,
        dying, out of descriptors) is expected again when it has acknowledged that, or when the own
        connections are twice as many, or half as many."""
        acknowledged, count_then = self._notified.get(number, (-1, 0))
        if self._acknowledged[number] == acknowledged and count_then < 2 * count < 4 * count_then:
            return False
        return self._scoreboard.has_capacity(number, time.monotonic() - YIELD_TIMEOUT)
