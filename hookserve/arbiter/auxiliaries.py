"""Auxiliary processes: helpers that plugins bring and that run exactly once beside the workers.

Each is forked by the arbiter, started again when it fails, with the same back-off as workers, and
ended with the server.  A reload ends all of them before it starts those of the new configuration:
two of one name never run together.
"""

from __future__ import annotations

import os
import signal
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING

from hookserve.arbiter.policies import Backoff
from hookserve.arbiter.signals import HANDLED, Blocked
from hookserve.plugins import calling
from hookserve.system.calls import close, fork, reap, set_signal
from hookserve.system.exiting import run_to_end
from hookserve.system.title import set_title
from hookserve.worker.channel import open_channel

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.types import AuxProcess
    from hookserve.worker.channel import ArbiterEnd


class Auxiliary:
    """One helper, as the arbiter sees it."""

    def __init__(self, process: AuxProcess) -> None:
        self.process = process
        self.pid: int | None = None
        self.line: ArbiterEnd | None = None
        """Held open while the helper lives: its end tells the helper that the arbiter is gone."""
        self.started_at = 0.0
        self.is_done = False
        """Whether it returned: it has done what it was for."""
        self.kill_at = 0.0
        """When it is killed, after it was told to end; 0: it was not."""

    def __str__(self) -> str:
        return f"auxiliary {self.process.name} (pid {self.pid})"


class Auxiliaries:
    """Keeps the helpers of the plugins."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._helpers: list[Auxiliary] = []
        self._leaving: list[Auxiliary] = []
        self._backoff = Backoff()

    def gather(self) -> None:
        """Ask the plugins what there is; what runs already is ended and replaced.

        Raises HookError naming the plugin that raised.
        """
        found = calling.collect(self._arbiter.assembly.host.hook.aux_processes, self._arbiter)
        self.end()
        self._helpers = [Auxiliary(process) for _, process in found]
        self._backoff.forget()

    def attend(self, now: float) -> None:
        """Start who should run and does not; kill who was told to end and has not."""
        for helper in self._leaving:
            if now >= helper.kill_at > 0 and helper.pid is not None:
                os.kill(helper.pid, signal.SIGKILL)
                helper.kill_at = 0.0
        if not self._may_start:
            return
        for number, helper in enumerate(self._helpers):
            if helper.pid is None and not helper.is_done and now >= self._backoff.due(number):
                self._start(number, helper, now)

    def dues(self, now: float) -> list[float]:
        """When something may have to be done, in seconds of the monotonic clock."""
        found = [helper.kill_at for helper in self._leaving if helper.kill_at > 0]
        if self._may_start:
            for number, helper in enumerate(self._helpers):
                if helper.pid is None and not helper.is_done:
                    found.append(max(now, self._backoff.due(number)))
        return found

    @property
    def _may_start(self) -> bool:
        """Not while others of the same names run: those of before a reload, or a predecessor's."""
        arbiter = self._arbiter
        return not (self._leaving or arbiter.is_stopping or arbiter.upgrade.predecessor)

    def end(self, is_quick: bool = False) -> None:
        """Tell all that run to end."""
        config = self._arbiter.assembly.config
        limit = config.quick_timeout if is_quick else config.graceful_timeout
        for helper in self._helpers:
            if helper.pid is not None:
                helper.kill_at = time.monotonic() + limit
                os.kill(helper.pid, signal.SIGTERM)
                self._leaving.append(helper)
        self._helpers = []

    def reap(self) -> None:
        """Message who has ended."""
        for helper in [*self._helpers, *self._leaving]:
            if helper.pid is None:
                continue
            status = reap(helper.pid)
            if status is not None:
                self._bury(helper, status)

    def pids(self) -> set[int]:
        """The process ids of all that run."""
        found = [helper.pid for helper in [*self._helpers, *self._leaving]]
        return {pid for pid in found if pid is not None}

    def descriptors(self) -> list[int]:
        """What a child must not keep."""
        helpers = [*self._helpers, *self._leaving]
        return [each.line.fileno() for each in helpers if each.line is not None]

    def __len__(self) -> int:
        """How many processes there are."""
        return len(self.pids())

    def _start(self, number: int, helper: Auxiliary, now: float) -> None:
        ours, theirs = open_channel()
        descriptors = [*self._arbiter.own_descriptors(), ours.fileno()]
        # An address that is closed by everybody else must not stay open in a helper.
        descriptors += [listener.fileno() for listener in self._arbiter.listeners]
        with Blocked() as unblock:
            try:
                pid = fork()
            except OSError as error:
                self._arbiter.log.error("cannot fork the auxiliary %s: %s", helper.process.name,
                                        error.strerror)  # fmt: skip
                self._backoff.delay(number, now, 1.0)
                ours.close()
                theirs.close()
                return
            if pid == 0:
                _reset_signals()
                unblock()
                for descriptor in descriptors:
                    close(descriptor)
                # The default of SIGIO ends the process: so does the end of the arbiter.
                theirs.ask_for_signal()
                body = partial(_run, helper.process, self._arbiter)
                run_to_end(body, traceback.print_exc, _say_nothing)
        theirs.close()
        helper.pid, helper.line, helper.started_at = pid, ours, now
        self._arbiter.log.info("%s started", helper)

    def _bury(self, helper: Auxiliary, status: int) -> None:
        log = self._arbiter.log
        code = os.waitstatus_to_exitcode(status)
        how = f"exited ({code})" if code >= 0 else f"killed ({signal.Signals(-code).name})"
        if helper in self._leaving:
            self._leaving.remove(helper)
            log.info("%s is gone: ended", helper)
        elif code == 0:
            helper.is_done = True
            log.info("%s is gone: done", helper)
        else:
            number = self._helpers.index(helper)
            now = time.monotonic()
            pause = self._backoff.record_failure(number, now - helper.started_at, now)
            log.error("%s is gone: %s; started again in %g s", helper, how, pause)
        helper.pid = None
        if helper.line is not None:
            helper.line.close()
            helper.line = None


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        set_signal(number, signal.SIG_DFL)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
        set_signal(number, signal.SIG_IGN)


def _run(process: AuxProcess, arbiter: Arbiter) -> int:
    set_title(arbiter.assembly.config.proc_name, process.name)
    process.target()
    return 0


def _say_nothing() -> None:
    pass
