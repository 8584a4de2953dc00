"""Why a worker is gone, by its wait status and by what the arbiter did to it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

from hookserve.arbiter.handles import DRAINING, WorkerHandle
from hookserve.requests import list_requests
from hookserve.system.cgroup import ControlGroups
from hookserve.types import ExitReason
from hookserve.wording import exception_in

_MOMENT = 1.0
"""In which the arbiter finds all processes that were killed together, in seconds."""


class OutOfMemoryCounter:
    """How often the kernel has killed in our control group."""

    def __init__(
        self,
        groups: ControlGroups | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._groups = groups or ControlGroups()
        self._clock = clock
        self._seen = self._groups.count_kills()
        self._unexplained = 0
        """Kills of a moment ago whose processes have not been found yet."""
        self._rose_at = 0.0

    def detect_kill(self) -> bool:
        """Whether a process that was killed now was killed by the kernel, of as many as it has
        killed since the last call and a moment before that."""
        count, now = self._groups.count_kills(), self._clock()
        if count > self._seen or now > self._rose_at + _MOMENT:
            self._unexplained, self._rose_at = count - self._seen, now
        self._seen = count
        if self._unexplained <= 0:
            return False
        self._unexplained -= 1
        return True


def classify(handle: WorkerHandle, status: int, out_of_memory: OutOfMemoryCounter) -> ExitReason:
    """The reason for the end of a worker; `status` is what waitpid(2) gave."""
    if handle.escalation is not None:
        held = list_requests(handle.escalation.requests)
        detail = handle.escalation.fault + (f"; in flight: {held}" if held else "")
        return ExitReason("timed out", detail)
    if handle.boot_error:
        return ExitReason("boot failed", exception_in(handle.boot_error))
    if os.WIFSIGNALED(status):
        return _signalled(handle, status, out_of_memory)
    if status == 0 and handle.recycle_reason:
        return ExitReason("recycled", handle.recycle_reason)
    if status == 0 and handle.state == DRAINING:
        return ExitReason("drained")
    return name_end(status)


def name_end(status: int) -> ExitReason:
    """How a process ended, by the status of waitpid(2) alone."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return ExitReason("exited", str(code))
    is_known = -code in set(signal.Signals)
    return ExitReason("killed", signal.Signals(-code).name if is_known else f"signal {-code}")


def _signalled(handle: WorkerHandle, status: int, out_of_memory: OutOfMemoryCounter) -> ExitReason:
    if handle.kill_reason:
        return ExitReason("killed by us", handle.kill_reason)
    if os.WTERMSIG(status) == signal.SIGKILL and out_of_memory.detect_kill():
        return ExitReason("out of memory", "killed by the kernel, its control group says so")
    return name_end(status)
