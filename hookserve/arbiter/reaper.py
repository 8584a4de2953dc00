"""Reaps workers: waits for their processes, says why they are gone, and makes room."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from hookserve.arbiter.exits import OutOfMemoryCounter, classify
from hookserve.arbiter.handles import DRAINING, GONE, WorkerHandle
from hookserve.plugins import calling
from hookserve.system.calls import reap

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


class Reaper:
    """Each worker's process is waited for by its own pid: a hook may have children of its own."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._out_of_memory = OutOfMemoryCounter()
        self._said_errors: set[str] = set()

    def reap(self) -> None:
        """Bury every worker whose process has ended."""
        for handle in self._arbiter.worker_table:
            assert handle.pid is not None
            status = reap(handle.pid)
            if status is not None:
                self._bury(handle, status)
        if self._arbiter.pid == 1:
            self._reap_strangers()

    def forget(self) -> None:
        """A new generation: its boot errors are news again."""
        self._said_errors.clear()

    def _reap_strangers(self) -> None:
        """As process 1, reap what others left behind."""
        own = {handle.pid for handle in self._arbiter.worker_table} | self._arbiter.other_children()
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            while (found := os.waitid(os.P_ALL, 0, flags)) is not None:
                if found.si_pid in own:
                    return
                reap(found.si_pid)
        except ChildProcessError:
            pass

    def _bury(self, handle: WorkerHandle, status: int) -> None:
        arbiter = self._arbiter
        arbiter.drain_messages(handle)
        reason = handle.reason = classify(handle, status, self._out_of_memory)
        was_asked = handle.state == DRAINING or bool(handle.recycle_reason)
        handle.state = GONE
        self._log(handle, was_asked and reason.kind in ("drained", "recycled", "exited"))
        arbiter.escalator.record_lost_requests(handle)
        arbiter.release(handle)
        hook = arbiter.assembly.host.hook.child_exit
        calling.notify(hook, server=arbiter, worker=handle, reason=reason)
        if not was_asked:
            arbiter.on_unexpected_exit(handle)

    def _log(self, handle: WorkerHandle, is_expected: bool) -> None:
        log = self._arbiter.log
        log.log(logging.INFO if is_expected else logging.ERROR, "%s is gone: %s", handle,
                handle.reason)  # fmt: skip
        # While nothing has ever worked, the error is what the server ends with.
        if handle.boot_error and self._arbiter.has_been_ready:
            if handle.boot_error not in self._said_errors:
                log.error("%s", handle.boot_error)
            self._said_errors.add(handle.boot_error)
