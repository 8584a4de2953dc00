"""Getting rid of a worker that missed a deadline: report, stacks, ABRT, KILL.

Each step has its own moment; no other signal shortens the time in between.
"""

from __future__ import annotations

import signal
from time import monotonic
from typing import TYPE_CHECKING

from hookserve.arbiter.handles import ABORTING, DRAINING, Escalation, WorkerHandle
from hookserve.arbiter.policies import Deadlines
from hookserve.plugins import calling
from hookserve.types import AccessRecord, RequestInFlight
from hookserve.worker.signals import DUMP_SIGNAL

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter

_DUMP_TIME = 0.3
"""What a worker has for writing its stacks, in seconds; done in a signal handler in C."""

_KILL_AGAIN = 1.0


class Escalator:
    """Watches each worker's deadlines and takes the steps that are due."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter

    def attend(self, handle: WorkerHandle, deadlines: Deadlines, now: float) -> None:
        """Take the step that is due for one worker, if any is."""
        if handle.escalation is not None:
            if now >= handle.escalation.deadline:
                self._next_step(handle, handle.escalation, now)
            return
        fault = deadlines.fault(handle, now)
        if fault:
            self._report(handle, fault, now)

    def _report(self, handle: WorkerHandle, fault: str, now: float) -> None:
        requests = handle.slot.in_flight(now)
        handle.escalation = Escalation(fault, requests, now + _DUMP_TIME)
        if handle.state != DRAINING:
            handle.state = ABORTING
        log = self._arbiter.log
        log.critical("%s, %s, timed out: %s; in flight: %s", handle,
                     self._arbiter.crew.worker_type.name, fault, _listed(requests))  # fmt: skip
        calling.notify(
            self._arbiter.assembly.host.hook.worker_timeout,
            server=self._arbiter,
            worker=handle,
            requests=requests,
        )
        handle.signal(DUMP_SIGNAL)

    def _next_step(self, handle: WorkerHandle, escalation: Escalation, now: float) -> None:
        escalation.step += 1
        if escalation.step == 1:
            stacks = handle.dumped_stacks().strip() or "(it wrote none)"
            self._arbiter.log.critical("stacks of %s:\n%s", handle, stacks)
            handle.signal(signal.SIGABRT)
            escalation.deadline = now + handle.config.abort_timeout
            return
        handle.kill(escalation.fault)
        escalation.deadline = now + _KILL_AGAIN

    def record_lost_requests(self, handle: WorkerHandle) -> None:
        """The access records of the requests that died with a worker, and their names in the log
        unless the report of a timeout has them."""
        requests = handle.slot.in_flight()
        if not requests:
            return
        if handle.escalation is None:
            self._arbiter.log.error("lost with %s: %s", handle, _listed(requests))
        observers = calling.freeze(self._arbiter.assembly.host.hook.log_access)
        for request in requests:
            for observe in observers:
                observe(_record(request, str(handle.reason)))


def _record(request: RequestInFlight, reason: str) -> AccessRecord:
    method, _, target = request.label.partition(" ")
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
    }
    if request.id:
        environ["HTTP_X_REQUEST_ID"] = request.id
    now = monotonic()
    return AccessRecord(environ, 0, [], 0, now - request.elapsed, now, reason, request.label)


def _listed(requests: list[RequestInFlight]) -> str:
    return ", ".join(map(str, requests)) or "nothing"
