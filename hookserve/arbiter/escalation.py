"""Ending a worker that missed a deadline: report, stacks, ABRT, KILL.

Each step has its own moment; no other signal shortens the time in between.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve.arbiter.handles import ABORTING, DRAINING, Escalation, WorkerHandle, WorkerTable
from hookserve.arbiter.parts import Part
from hookserve.arbiter.policies import Deadlines
from hookserve.plugins import calling
from hookserve.requests import list_requests
from hookserve.wording import indented
from hookserve.worker.dumps import render_dump
from hookserve.worker.lost import log_lost, record_lost

if TYPE_CHECKING:
    from hookserve.arbiter.generation import Generation
    from hookserve.server import Server

_DUMP_TIME = 0.3
"""How long a worker has for writing its stacks, in seconds; a signal handler in C does it."""

_KILL_AGAIN = 1.0


class Escalator(Part):
    """Watches each worker's deadlines and takes the steps that are due."""

    def __init__(
        self,
        server: Server,
        worker_table: WorkerTable,
        current: Callable[[], Generation],
        clock: Callable[[], float],
    ) -> None:
        self._server = server
        """For hooks, and its log."""
        self._worker_table, self._current, self._clock = worker_table, current, clock
        self._deadlines = Deadlines()

    def due(self, now: float) -> float | None:
        """The nearest deadline of a worker."""
        moments = (self._deadlines.due(each, now) for each in self._worker_table)
        return min((each for each in moments if each is not None), default=None)

    def step(self, now: float) -> None:
        """Take the steps that are due."""
        for handle in self._worker_table:
            if handle.escalation is not None:
                if now >= handle.escalation.deadline:
                    self._next_step(handle, handle.escalation, now)
                continue
            fault = self._deadlines.fault(handle, now)
            if fault:
                self._report(handle, fault, now)

    def _report(self, handle: WorkerHandle, fault: str, now: float) -> None:
        log, current = self._server.log, self._current()
        requests = handle.slot.in_flight(now)
        handle.escalation = Escalation(fault, requests, now + _DUMP_TIME)
        if handle.state != DRAINING:
            handle.state = ABORTING
        model = current.classes.worker_type.name
        message = "%s, %s, timed out: %s; in flight: %s"
        log.critical(message, handle, model, fault, list_requests(requests) or "nothing")
        hook = current.hook.worker_timeout
        calling.notify(hook, server=self._server, worker=handle, requests=requests)
        handle.request_stacks()

    def _next_step(self, handle: WorkerHandle, escalation: Escalation, now: float) -> None:
        escalation.step += 1
        if escalation.step == 1:
            stacks = indented(render_dump(handle.dumped_stacks()), 1 << 18) or "(it wrote none)"
            self._server.log.critical("stacks of %s:\n%s", handle, stacks)
            handle.signal(signal.SIGABRT)
            escalation.deadline = now + handle.config.abort_timeout
            return
        handle.kill(escalation.fault)
        escalation.deadline = now + _KILL_AGAIN

    def record_lost_requests(self, handle: WorkerHandle) -> None:
        """Count the requests and the held responses that ended with a worker, log them, and make
        the access records of the requests."""
        requests, slot = handle.slot.in_flight(), handle.slot
        slot.lost = len(requests) + slot.held
        log_lost(self._server.log, str(handle), slot, requests, handle.escalation is not None)
        current = self._current()
        observers = calling.freeze(current.hook.log_access)
        protocol = current.classes.protocol_class
        record_lost(requests, observers, protocol, str(handle.reason), self._clock())
