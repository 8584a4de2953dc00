"""Waiting for events: the moment at which a worker is idle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookserve.reactor.poller import FOR_EVER, Event, Poller
from hookserve.system.calls import LONGEST_WAIT

if TYPE_CHECKING:
    from hookserve.worker.base import Worker

_MUCH = 8
"""So many events in a turn, and there will be more by the end of it."""
_BUSY_TURNS = 7
"""In a row, at most, without the worker being idle."""


class Waiter:
    """Waits for a poller's events, `batch` at once, and says before it that the worker is idle.

    After a turn with much to do it asks for more without waiting.  That is no system call more
    if there are any, and the listeners of `worker_idle` are spared one turn after the other.
    """

    __slots__ = ("_batch", "_busy_turns", "_poller", "_worker")

    def __init__(self, worker: Worker, poller: Poller, batch: int) -> None:
        self._worker = worker
        self._poller = poller
        self._batch = batch
        self._busy_turns = 0

    def wait(self, timeout: float) -> Sequence[Event]:
        """The events that come within so many seconds."""
        if self._busy_turns:
            events = self._poller.poll(0.0, self._batch)
            if events:
                self._busy_turns -= 1
                return events
        self._worker.idle()
        try:
            events = self._poller.poll(None if timeout == FOR_EVER else timeout, self._batch)
        except OverflowError:
            events = self._poller.poll(LONGEST_WAIT, self._batch)
        self._busy_turns = _BUSY_TURNS if len(events) >= _MUCH else 0
        return events
