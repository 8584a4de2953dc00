"""The other workers as one that accepts sees them: who has fewer connections, and its bell.

The scoreboard says how many connections each worker has open and whether it could run another
request.  A *bell*, made by the arbiter for each slot before it forks, wakes the slot's worker
although no connection has come: the kernel wakes one worker for each that comes, and nobody for
those that one leaves to another.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from hookserve.worker.scoreboard import READY

if TYPE_CHECKING:
    from hookserve.worker.scoreboard import Scoreboard, Slot

PATIENCE = 0.001
"""Seconds for which a worker is waited for: the shortest wait of a poller."""
_HEEDED = 5
MARGIN, _MARGIN_SHARE = 4, 16
"""Connections that one worker has more than another before it leaves any to that one: so many, and
one in so many of its own.  Fewer would be more even, and wake workers more often."""


class Siblings:
    """The other workers of one, as far as they have bells."""

    def __init__(self, scoreboard: Scoreboard, slot: Slot) -> None:
        self._scoreboard = scoreboard
        self._bells = scoreboard.bells
        self._states, self._open, self._heeded = scoreboard.columns(0, 2, _HEEDED)
        self._words = slot.words
        self.bell = self._bells[slot.number] if slot.number < len(self._bells) else -1
        """The worker's own bell, a descriptor to wait for; -1: it has none."""
        self._rung: dict[int, tuple[int, int]] = {}
        """By slot: how many rings its worker had heeded when it was rung for, and the own
        connections then."""

    def find_behind(self, count: int) -> int:
        """The slot of the worker with the fewest connections that could take one now, when
        `count` are clearly more; -1: there is none."""
        found, most = -1, count - MARGIN - count // _MARGIN_SHARE
        if most >= 0:
            for number, state in enumerate(self._states.tolist()):
                if state == READY and self._open[number] <= most and self._comes(number, count):
                    found, most = number, self._open[number] - 1
        return found

    def has_more(self, count: int) -> bool:
        """Whether another worker has more connections than `count`, the own ones."""
        both = zip(self._states.tolist(), self._open.tolist(), strict=True)
        return any(state == READY and each > count for state, each in both)

    def ring(self, number: int, count: int) -> None:
        """Have that worker look whether somebody waits to be accepted."""
        self._rung[number] = self._heeded[number], count
        os.eventfd_write(self._bells[number], 1)

    def heed(self) -> None:
        """Say that the own bell was heard, and that who waits can be accepted."""
        self._words[_HEEDED] += 1

    def _comes(self, number: int, count: int) -> bool:
        """Whether that worker may be expected to come.  One that was rung for in vain (it is
        stopped, it dies, it has no descriptors) is expected again when it has heeded that, or when
        the own connections are twice as many, or half as many."""
        heeded, count_then = self._rung.get(number, (-1, 0))
        if self._heeded[number] == heeded and count_then < 2 * count < 4 * count_then:
            return False
        return self._scoreboard.has_place(number, time.monotonic() - PATIENCE)
