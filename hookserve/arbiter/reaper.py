"""Reaps workers: waits for their processes, says why they are gone, and frees what they held."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from hookserve.arbiter.exits import OutOfMemoryCounter, classify
from hookserve.arbiter.handles import DRAINING, GONE, WorkerHandle
from hookserve.arbiter.pairing import switch_model
from hookserve.arbiter.parts import Part
from hookserve.plugins import calling
from hookserve.types import ExitReason
from hookserve.worker.layout import ORDERLY_EXITS

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


_ORDERLY_STOPS = (
    ExitReason("exited", "0"),
    ExitReason("killed", "SIGTERM"),
    ExitReason("killed", "SIGINT"),
    ExitReason("killed", "SIGQUIT"),
)
_KILLED = ExitReason("killed", "SIGKILL")


class Reaper(Part):
    """Waits for each worker's process by its own pid: a hook may have children of its own."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._out_of_memory = OutOfMemoryCounter()
        self._logged_errors: set[str] = set()

    def reap(self) -> None:
        """Handle the exit of every worker whose process has ended."""
        arbiter = self._arbiter
        for handle in arbiter.worker_table:
            assert handle.pid is not None
            status = arbiter.processes.reap(handle.pid)
            if status is not None:
                self._on_worker_exit(handle, status)
        if arbiter.pid == 1:
            self._reap_orphans()

    def begin_generation(self) -> None:
        """A new generation: its boot errors are logged again."""
        self._logged_errors.clear()

    def _reap_orphans(self) -> None:
        """As process 1, reap the orphaned children of other processes."""
        arbiter = self._arbiter
        own = {handle.pid for handle in arbiter.worker_table} | arbiter.other_children()
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            while (found := os.waitid(os.P_ALL, 0, flags)) is not None:
                if found.si_pid in own:
                    return
                arbiter.processes.reap(found.si_pid)
        except ChildProcessError:
            pass

    def _on_worker_exit(self, handle: WorkerHandle, status: int) -> None:
        arbiter = self._arbiter
        arbiter.messages.drain(handle)
        reason = handle.reason = classify(handle, status, self._out_of_memory)
        was_asked = handle.state == DRAINING or bool(handle.recycle_reason)
        if not was_asked and switch_model(arbiter, handle):
            was_asked = True
            reason = handle.reason = ExitReason("drained", "another worker model is needed")
        handle.state = GONE
        arbiter.slow_requests.on_worker_exit(handle)
        ended_itself = reason.kind in (*ORDERLY_EXITS, "exited")
        self._log(handle, (was_asked and ended_itself) or self._stops_with_server(handle, reason))
        arbiter.escalator.record_lost_requests(handle)
        arbiter.publication.on_worker_exit(handle, reason)
        arbiter.release(handle)
        calling.notify(arbiter.hook.child_exit, server=arbiter, worker=handle, reason=reason)
        if not was_asked:
            arbiter.on_unexpected_exit(handle)

    def _stops_with_server(self, handle: WorkerHandle, reason: ExitReason) -> bool:
        """Whether the worker ended as the server does: Ctrl-C, and a service manager that stops
        a control group, send their signal to each process of it.  KILL may cost requests."""
        if not self._arbiter.is_draining:
            return False
        return reason in _ORDERLY_STOPS or (reason == _KILLED and not handle.slot.in_flight())

    def _log(self, handle: WorkerHandle, is_expected: bool) -> None:
        log = self._arbiter.log
        level = logging.INFO if is_expected else logging.ERROR
        log.log(level, "%s is gone: %s", handle, handle.reason)
        # While no worker has ever been ready, the error is what the server ends with.
        if handle.boot_error and self._arbiter.has_been_ready:
            if handle.boot_error not in self._logged_errors:
                log.error("%s", handle.boot_error)
            self._logged_errors.add(handle.boot_error)
