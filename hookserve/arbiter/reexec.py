"""The reload of a preloaded application: the arbiter executes itself and keeps its workers.

What the arbiter has imported it cannot forget, so new code needs a new interpreter.  First a dry
run, in a child, does everything that a start does short of serving and forking: the command with
``--check-config``, which gets the listeners and finds out whether new addresses can be listened on
(`try_addresses`).  If it fails nothing has changed.  If it succeeds, the arbiter becomes a new
one by exec(2): the same process id, with its listeners and its workers, which never notice.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from hookserve.arbiter.exits import name_end
from hookserve.arbiter.handles import BOOTING
from hookserve.arbiter.handover import (
    Handover,
    execute,
    explain_failure,
    handed_auxiliaries,
    handed_listeners,
    handed_plugin_listeners,
    handed_scoreboards,
    handed_to_dry_run,
    handed_workers,
)
from hookserve.arbiter.parts import Part
from hookserve.arbiter.signals import Blocked
from hookserve.errors import HookserveError
from hookserve.plugins import calling
from hookserve.system.calls import close

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


_ERROR = "hookserve: "
"""Before the line by which a command line says why it has failed."""
_WARNING = f"{_ERROR}warning: "


class Reexec(Part):
    """The re-exec under way, if there is one."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._dry_run: int | None = None
        self._output = -1
        self._deadline: float | None = None
        """When the dry run is ended, in seconds of the monotonic clock."""
        self._is_due = False
        """Whether the dry run succeeded, and only other processes are waited for."""

    @property
    def is_under_way(self) -> bool:
        """Whether a reload has begun and not ended."""
        return self._dry_run is not None or self._is_due

    def pids(self) -> tuple[int, ...]:
        """The process of the dry run."""
        return () if self._dry_run is None else (self._dry_run,)

    def begin(self) -> None:
        """Start the dry run."""
        try:
            self._output = os.memfd_create("hookserve-dry-run")
            self._dry_run = self._fork()
        except OSError as error:
            self._close_output()
            self._fail(f"cannot start the dry run: {error.strerror}")
            return
        limit = self._arbiter.config.boot_timeout
        self._deadline = self._arbiter.clock() + limit if limit else None

    def _fork(self) -> int:
        with Blocked() as unblock:
            pid = self._arbiter.processes.fork()
            if pid == 0:
                unblock()
                self._become_dry_run()
        return pid

    def _close_output(self) -> None:
        if self._output >= 0:
            close(self._output)
            self._output = -1

    def reap(self) -> None:
        """The dry run may have ended."""
        arbiter = self._arbiter
        if self._dry_run is None:
            return
        status = arbiter.processes.reap(self._dry_run)
        if status is None:
            return
        self._dry_run = self._deadline = None
        size = os.fstat(self._output).st_size
        output = os.pread(self._output, size, 0).decode(errors="replace").strip()
        self._close_output()
        if arbiter.is_draining:
            return
        if status:
            self._fail(_explain_end(output, status))
            return
        try:
            calling.fire(arbiter.hook.on_reload, server=arbiter)
        except HookserveError as error:
            self._fail(str(error))
            return
        self._is_due = True

    def due(self, now: float) -> float | None:
        """The deadline of the dry run."""
        return self._deadline

    def _end_dry_run(self, now: float) -> None:
        """End a dry run that is late, or useless: it boots the application, and has as long for it
        as a worker."""
        if self._dry_run is None:
            return
        if self._arbiter.is_draining:
            # It may hold addresses that another server is about to open.
            self._arbiter.processes.kill(self._dry_run, signal.SIGKILL)
            return
        if self._deadline is None or now < self._deadline:
            return
        self._deadline = None
        limit = self._arbiter.config.boot_timeout
        os.write(
            self._output,
            f"\n{_ERROR}the dry run was not over after {limit:g} s (boot_timeout)".encode(),
        )
        self._arbiter.processes.kill(self._dry_run, signal.SIGKILL)

    def step(self, now: float) -> None:
        """Execute, once no worker boots and no auxiliary process runs that cannot be handed
        over."""
        arbiter = self._arbiter
        self._end_dry_run(now)
        if not self._is_due or arbiter.is_draining:
            return
        if any(each.state == BOOTING for each in arbiter.worker_table):
            return
        # Last: until the next arbiter has processes of its own, their clients wait.
        if not arbiter.auxiliaries.end_before_exec(arbiter.config.graceful_timeout):
            return
        self._is_due = False
        calling.notify(arbiter.hook.pre_exec, server=arbiter)
        arbiter.slow_requests.report_ended()
        arbiter.log.info("re-exec, to load the new code")
        # Signals are held back until the new arbiter takes them over; the mask survives exec(2).
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            execute(self._handover(), arbiter.start.directory, arbiter.start.environ)
        except OSError as error:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
            arbiter.current.paths.take_effect()
            arbiter.auxiliaries.restart()
            self._fail(explain_failure(error, arbiter.start.directory))

    def _handover(self) -> Handover:
        arbiter = self._arbiter
        scoreboards = arbiter.pool.factory.scoreboards()
        pidfile = [] if arbiter.pidfile is None else arbiter.pidfile.descriptors()
        return Handover(
            arbiter.pid,
            -1,
            arbiter.generation,
            handed_listeners(arbiter.listeners),
            handed_scoreboards(scoreboards),
            handed_workers(arbiter.worker_table, scoreboards),
            pidfile[0] if pidfile else -1,
            wanted=arbiter.num_workers,
            reloads_requested=arbiter.publication.reloads_requested,
            plugin_listeners=handed_plugin_listeners(),
            auxiliaries=handed_auxiliaries(arbiter.auxiliaries),
        )

    def _become_dry_run(self) -> None:
        start = self._arbiter.start
        try:
            for stream in (1, 2):
                os.dup2(self._output, stream)
            handover = handed_to_dry_run(self._arbiter.pid, self._arbiter.listeners)
            execute(handover, start.directory, start.environ, "--check-config")
        except OSError as error:
            os.write(2, (_ERROR + explain_failure(error, start.directory)).encode())
        finally:
            os._exit(1)

    def _fail(self, reason: str) -> None:
        self._arbiter.reloads.fail(reason)


def _explain_end(output: str, status: int) -> str:
    """Why a dry run has failed: its last error, or else how it ended, and what it printed."""
    lines = output.splitlines()
    errors = [
        number
        for number, line in enumerate(lines)
        if line.startswith(_ERROR) and not line.startswith(_WARNING)
    ]
    if errors:
        return "\n".join(lines[errors[-1] :]).removeprefix(_ERROR)
    return "\n".join([f"the dry run has ended: {name_end(status)}", *lines])
