"""The log of slow requests (`slow_request`): each once, with its stack at that moment.

The arbiter sees on the scoreboard that a request is slow, and asks its worker for the stacks, as it
does before it ends one: so a request is reported under every worker model, while it runs and even
if its worker does nothing any more.  A worker pays for none of it but the note of a thread.

Its worker may end, or be ended, before the stacks are read, and a request may become slow and end
while the worker writes the stacks of others: it is logged all the same, without a stack at worst.

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
_MESSAGE = "slow request of %s: %s\n  %s"
_NONE_WRITTEN = "(it wrote none)"
_ENDED = "(no stack: it ended while the worker wrote another)"
_WORKER_ENDED = "(no stack: its worker ended first)"

_Key = tuple[int, float]
"""A request: the number of its request slot, and when it began."""
_Requests = dict[_Key, RequestInFlight]


class _Dump(NamedTuple):
    """What a worker was asked for."""

    handle: WorkerHandle
    requests: _Requests
    """As they were when the worker was asked."""
    later: _Requests
    """Those that have become slow since: the worker is to be asked for them afterwards."""
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
            self._report(dump.handle, dump.requests, _NONE_WRITTEN)
            self._log_without_stack(dump.handle, _ended(dump.handle, dump.later), _ENDED)
            if dump.handle.escalation is None:
                dump.handle.forget_stacks()
        for handle in self._watched():
            limit = handle.config.slow_request
            slow = [each for each in self._unreported(handle, now) if each[1] + limit <= now]
            if slow and handle in self._dumps:
                self._dumps[handle].later.update(_requests_of(handle, slow, now))
            elif slow:
                self._ask(handle, slow, now)
            elif not handle.slot.awaited:
                self._await_next(handle, now)

    def on_worker_exit(self, handle: WorkerHandle) -> None:
        """Its process has ended, and the file of its stacks is still open: log what was about to
        be."""
        dump = self._dumps.pop(handle, None)
        if dump is not None:
            self._report(handle, dump.requests, _WORKER_ENDED)
            self._log_without_stack(handle, dump.later, _WORKER_ENDED)

    def report_ended(self) -> None:
        """Another arbiter is about to go on with the workers: log what was about to be and runs no
        more.  It finds what runs."""
        for handle, dump in self._dumps.items():
            requests, later = _ended(handle, dump.requests), _ended(handle, dump.later)
            self._report(handle, requests, _NONE_WRITTEN)
            self._log_without_stack(handle, later, _ENDED)
            for key in requests:  # exec(2) may fail
                del dump.requests[key]
            for key in later:
                del dump.later[key]

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
            is_free = handle.escalation is None and handle.state in (READY, DRAINING)
            if handle.config.slow_request and is_free:
                yield handle

    def _unreported(self, handle: WorkerHandle, now: float) -> Iterator[_Key]:
        reported, dump = self._reported.get(handle, {}), self._dumps.get(handle)
        later: _Requests = {} if dump is None else dump.later
        for key in enumerate(handle.slot.began()):
            number, began = key
            if 0.0 < began <= now and reported.get(number) != began and key not in later:
                yield key

    def _ask(self, handle: WorkerHandle, slow: list[_Key], now: float) -> None:
        self._reported.setdefault(handle, {}).update(slow)
        requests = _requests_of(handle, slow, now)
        if requests:
            self._dumps[handle] = _Dump(handle, requests, {}, now + _DUMP_TIME)
            handle.request_stacks()

    def _report(self, handle: WorkerHandle, requests: _Requests, missing: str) -> None:
        """Log them with the stacks that the worker has written; `missing` where it has not."""
        if handle.escalation is not None:  # the stacks are that one's
            self._log_without_stack(handle, requests, "(no stack: its worker is being ended)")
            return
        threads, stacks = split_stacks(handle.dumped_stacks())
        for (number, _), request in requests.items():
            stack = indented(stacks.get(number, threads).strip(), _MOST) or missing
            self._log.warning(_MESSAGE, handle, request, stack)

    def _log_without_stack(self, handle: WorkerHandle, requests: _Requests, why: str) -> None:
        """Log those that no report of an escalation has; `why` there is no stack."""
        escalation = handle.escalation
        held = () if escalation is None else escalation.requests
        in_report = {(each.label, each.id) for each in held}
        for request in requests.values():
            if (request.label, request.id) not in in_report:
                self._log.warning(_MESSAGE, handle, request, why)


def _requests_of(handle: WorkerHandle, slow: list[_Key], now: float) -> _Requests:
    """Those of them that run still."""
    found = {key: handle.slot.request(key[0], now) for key in slow}
    return {key: request for key, request in found.items() if request is not None}


def _ended(handle: WorkerHandle, requests: _Requests) -> _Requests:
    """Those of them that run no more."""
    running = set(enumerate(handle.slot.began()))
    return {key: request for key, request in requests.items() if key not in running}
