"""Why a worker is gone, by its wait status and by what the arbiter did to it."""

from __future__ import annotations

import os
import signal

from hookserve.arbiter.handles import DRAINING, WorkerHandle
from hookserve.requests import list_requests
from hookserve.system.cgroup import ControlGroups
from hookserve.types import ExitReason


class OutOfMemoryCounter:
    """How often the kernel has killed in our control group."""

    def __init__(self, groups: ControlGroups | None = None) -> None:
        self._groups = groups or ControlGroups()
        self._seen = self._groups.count_kills()

    def detect_kill(self) -> bool:
        """Read the counter; returns whether there was a kill since the last call."""
        count = self._groups.count_kills()
        rose = count > self._seen
        self._seen = count
        return rose


def classify(handle: WorkerHandle, status: int, out_of_memory: OutOfMemoryCounter) -> ExitReason:
    """The reason for the end of a worker; `status` is what waitpid(2) gave."""
    if handle.escalation is not None:
        held = list_requests(handle.escalation.requests)
        detail = handle.escalation.fault + (f"; in flight: {held}" if held else "")
        return ExitReason("timed out", detail)
    if handle.boot_error:
        return ExitReason("boot failed", handle.boot_error.strip().splitlines()[-1].strip())
    if os.WIFSIGNALED(status):
        return _signalled(handle, os.WTERMSIG(status), out_of_memory)
    code = os.waitstatus_to_exitcode(status)
    if code == 0 and handle.recycle_reason:
        return ExitReason("recycled", handle.recycle_reason)
    if code == 0 and handle.state == DRAINING:
        return ExitReason("drained")
    return ExitReason("exited", str(code))


def _signalled(handle: WorkerHandle, number: int, out_of_memory: OutOfMemoryCounter) -> ExitReason:
    name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
    if handle.kill_reason:
        return ExitReason("killed by us", handle.kill_reason)
    if number == signal.SIGKILL and out_of_memory.detect_kill():
        return ExitReason("out of memory", "killed by the kernel, its control group says so")
    return ExitReason("killed", name)
