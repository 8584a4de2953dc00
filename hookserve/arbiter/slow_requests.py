"""The log of slow requests (`slow_request`): each once, with its stack at that moment.

The arbiter sees on the scoreboard that a request is slow, and asks its worker for the stacks, as it
does before it ends one: so a request is reported under every worker model, while it runs and even
if its worker does nothing any more.  A worker pays for none of it but the note of a thread.

A worker without a request does not wake the arbiter, which says in its slot that it awaits one.
The worker tells it (``begun``) when the next request begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from hookserve.arbiter.handles import DRAINING, READY, WorkerHandle, WorkerTable
from hookserve.arbiter.parts import Part
from hookserve.types import RequestInFlight
from hookserve.wording import indented
from hookserve.worker.running import split_stacks

if TYPE_CHECKING:
    import logging

_DUMP_TIME = 0.3
"""How long a worker has for writing its stacks, in seconds."""
_LEAST = 1.0
"""Seconds between two messages of one worker that a request has begun, so that a busy one sends
few."""
_MOST = 1 << 16
"""Characters of one stack in the log."""


class _Dump(NamedTuple):
    """What a worker was asked for."""

    handle: WorkerHandle
    requests: dict[int, RequestInFlight]
    """By the number of its request slot, as it was when the worker was asked."""
    deadline: float


class SlowRequests(Part):
    """Watches the ages of all requests in flight."""

    def __init__(
        self, worker_table: WorkerTable, log: logging.Logger, clock: Callable[[], float]
    ) -> None:
        self._worker_table, self._log, self._clock = worker_table, log, clock
        self._dumps: dict[WorkerHandle, _Dump] = {}
        self._reported: dict[WorkerHandle, dict[int, float]] = {}
        """When the request began that was reported last of each request slot."""
        self._looked_at_until: dict[WorkerHandle, float] = {}
        """The workers that are not awaited: until when they are looked at all the same."""

    def due(self, now: float) -> float | None:
        """When stacks are there, or a request may be slow: what begins after `now` cannot be
        before a whole `slow_request` from now, and is told where it is awaited."""
        moments = [dump.deadline for dump in self._dumps.values()]
        for handle in self._watched():
            # Read after the slot says that a request is awaited: one that began before is here.
            oldest = min((began for _, began in self._unreported(handle, now)), default=None)
            if oldest is None and not handle.slot.awaited:
                oldest = now
            if oldest is not None:
                moments.append(oldest + handle.config.slow_request)
        return min(moments, default=None)

    def step(self, now: float) -> None:
        """Ask for the stacks of what is slow, and log those that are there."""
        for kept in (self._reported, self._dumps, self._looked_at_until):
            for gone in set(kept).difference(self._worker_table):
                del kept[gone]
        for dump in [each for each in self._dumps.values() if each.deadline <= now]:
            del self._dumps[dump.handle]
            self._report(dump)
        for handle in self._watched():
            limit = handle.config.slow_request
            slow = [each for each in self._unreported(handle, now) if each[1] + limit <= now]
            if slow:
                self._ask(handle, dict(slow), now)
            elif not handle.slot.awaited:
                self._await_next(handle, now)

    def _await_next(self, handle: WorkerHandle, now: float) -> None:
        """Look at a worker no more, unless it has a request or had one a moment ago."""
        until = self._looked_at_until.setdefault(
            handle, now + max(_LEAST, handle.config.slow_request)
        )
        if now >= until and not any(self._unreported(handle, now)):
            del self._looked_at_until[handle]
            handle.slot.awaited = 1

    def _watched(self) -> Iterator[WorkerHandle]:
        for handle in self._worker_table:
            is_free = handle.escalation is None and handle not in self._dumps
            if handle.config.slow_request and is_free and handle.state in (READY, DRAINING):
                yield handle

    def _unreported(self, handle: WorkerHandle, now: float) -> Iterator[tuple[int, float]]:
        reported = self._reported.get(handle, {})
        for number, began in enumerate(handle.slot.began()):
            if 0.0 < began <= now and reported.get(number) != began:
                yield number, began

    def _ask(self, handle: WorkerHandle, slow: dict[int, float], now: float) -> None:
        self._reported.setdefault(handle, {}).update(slow)
        found = {number: handle.slot.request(number, now) for number in slow}
        requests = {number: each for number, each in found.items() if each is not None}
        if requests:
            self._dumps[handle] = _Dump(handle, requests, now + _DUMP_TIME)
            handle.request_stacks()

    def _report(self, dump: _Dump) -> None:
        handle = dump.handle
        if handle.escalation is not None:  # which has its own report
            return
        threads, stacks = split_stacks(handle.dumped_stacks())
        handle.forget_stacks()
        for number, request in dump.requests.items():
            stack = indented(stacks.get(number, threads).strip(), _MOST) or "(it wrote none)"
            self._log.warning("slow request of %s: %s\n  %s", handle, request, stack)
