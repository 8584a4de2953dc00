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
from hookserve.wording import counted, indented
from hookserve.worker.dumps import render_dump

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
        """Count the requests and the held responses that ended with a worker; the access records of
        the requests, and their names in the log unless the report of a timeout has them.  Other
        connections are in the log: a client may have sent what the worker had not begun.

        What such a record says is the protocol's business (`Protocol.lost_request_record`).
        """
        requests, held = handle.slot.in_flight(), handle.slot.held
        handle.slot.lost = len(requests) + held
        if held:
            responses = counted(held, "response")
            self._server.log.error("lost with %s: %s, complete and not sent", handle, responses)
        others = handle.slot.open_connections - len(requests) - held
        if others > 0:
            message = "closed with %s: %s without a request that had begun"
            self._server.log.warning(message, handle, counted(others, "connection"))
        if not requests:
            return
        if handle.escalation is None:
            self._server.log.error("lost with %s: %s", handle, list_requests(requests))
        current = self._current()
        observers = calling.freeze(current.hook.log_access)
        make_record = current.classes.protocol_class.lost_request_record
        for request in requests if observers else ():
            record = make_record(request, str(handle.reason), self._clock())
            for observe in observers if record is not None else ():
                observe(record)
