"""Which worker has to go for its size: the policy, without a server.

A worker goes when it exceeds the limit twice in a row, so that a peak costs no worker, and
one goes at a time.  A replacement that exceeds the limit when it is first measured shows that the
limit is less than the application needs: to go on would replace workers for ever.  Then all stay,
until a new worker is below the limit or the configuration is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Measured(NamedTuple):
    """A worker that is ready, as it was measured."""

    pid: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    served: float
    """Seconds since it was ready."""
    size: int


class MemoryPolicy:
    """Decides after each measurement."""

    def __init__(self, limit: int, interval: float) -> None:
        self._limit = limit
        self._interval = interval
        self._known: set[int] = set()
        self._exceeding: set[int] = set()
        self._replaced: set[int] = set()
        """Indices whose replacement was not measured yet."""
        self.useless: Measured | None = None
        """The replacement that exceeded the limit at once; `None`: replacing helps."""

    def choose(self, workers: Sequence[Measured], is_replacing: bool) -> Measured | None:
        """The worker to replace now, if there is one."""
        self._look_at_new([each for each in workers if each.pid not in self._known])
        self._known = {each.pid for each in workers}
        before = self._exceeding
        self._exceeding = {each.pid for each in workers if each.size > self._limit}
        if is_replacing or self.useless is not None:
            return None
        twice = before & self._exceeding
        found = [each for each in workers if each.pid in twice and each.served >= self._interval]
        chosen = max(found, key=lambda each: each.size, default=None)
        if chosen is not None:
            self._replaced.add(chosen.index)
        return chosen

    def _look_at_new(self, workers: Sequence[Measured]) -> None:
        if any(each.size <= self._limit for each in workers):
            self.useless = None
        for each in workers:
            if each.index in self._replaced:
                self._replaced.discard(each.index)
                if each.size > self._limit:
                    self.useless = each
