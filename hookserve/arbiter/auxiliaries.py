"""Auxiliary processes: plugins bring them, and each runs exactly once beside the workers.

Each is forked by the arbiter, started again when it fails, with the same back-off as workers, and
ended with the server.  A reload ends all of them and starts each of the new configuration once its
predecessor is gone: two of one name never run together, and none waits for another.  A re-exec
hands some of them over, which the next arbiter ends.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from hookserve.arbiter.child import fork_child, privilege_dropper, set_environment
from hookserve.arbiter.parts import Part
from hookserve.arbiter.policies import Backoff
from hookserve.arbiter.signals import HANDLED
from hookserve.arbiter.waking import MainThreadWaker
from hookserve.errors import HookserveError, ListenError
from hookserve.plugins import calling
from hookserve.system.calls import close, set_signal
from hookserve.system.exiting import run_to_end
from hookserve.system.title import set_title
from hookserve.system.unpatching import unpatch
from hookserve.types import AuxiliaryProcess
from hookserve.worker.channel import open_channel, restore_channel

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.handover import HandedAuxiliary
    from hookserve.worker.channel import ArbiterEnd, WorkerEnd

_FORK_PAUSE = 1.0
_RESTART = -1
"""Beside the numbers of processes, for the back-off."""


class Auxiliary:
    """One auxiliary process, as the arbiter sees it."""

    def __init__(self, process: AuxiliaryProcess) -> None:
        self.process = process
        self.pid: int | None = None
        self.channel: ArbiterEnd | None = None
        """Held open while the process lives: its end tells the process that the arbiter is gone."""
        self.started_at = 0.0
        self.is_done = False
        """Whether it is not started again: it has returned, or was handed over."""
        self.kill_at = 0.0
        """When it is killed, after it was told to end; 0: it was not."""

    def __str__(self) -> str:
        return f"auxiliary {self.process.name} (pid {self.pid})"


class Auxiliaries(Part):
    """Supervises the auxiliary processes of the plugins."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._wanted: list[Auxiliary] = []
        self._stopping: list[Auxiliary] = []
        self._backoff = Backoff()
        self._restart_at: float | None = None
        """When the plugins are asked again, after an address was in use."""

    def gather(self) -> None:
        """Ask the plugins what there is; what runs already is ended and replaced.

        Raises HookError naming the plugin that raised.
        """
        found = calling.collect(self._arbiter.hook.auxiliary_processes, self._arbiter)
        self.end(self._arbiter.config.graceful_timeout)
        self._wanted = [Auxiliary(process) for _, process in found]
        self._backoff.reset()

    def restart(self) -> None:
        """As `gather`; a plugin that fails is logged, and nothing changes.

        An address that is in use is tried again: processes of an arbiter that has just ended may
        hold it for a moment.
        """
        self._restart_at = None
        try:
            self.gather()
        except ListenError as error:
            now = self._arbiter.clock()
            pause = self._backoff.record_failure(_RESTART, 0.0, now)
            self._restart_at = now + pause
            self._arbiter.log.error("%s; tried again in %g s", error, pause)
        except HookserveError as error:
            self._arbiter.log.error("%s", error)

    def step(self, now: float) -> None:
        """Start those that should run; kill those that were told to end and have not."""
        for auxiliary in self._stopping:
            if now >= auxiliary.kill_at > 0 and auxiliary.pid is not None:
                self._arbiter.processes.kill(auxiliary.pid, signal.SIGKILL)
                auxiliary.kill_at = 0.0
        if not self._may_start:
            return
        if self._restart_at is not None and now >= self._restart_at:
            self.restart()
        for number, auxiliary in self._missing():
            if now >= self._backoff.due(number):
                self._start(number, auxiliary, now)

    def due(self, now: float) -> float | None:
        """When a process must be started or killed."""
        found = [auxiliary.kill_at for auxiliary in self._stopping if auxiliary.kill_at > 0]
        if self._may_start:
            if self._restart_at is not None:
                found.append(self._restart_at)
            found += [max(now, self._backoff.due(number)) for number, _ in self._missing()]
        return min(found, default=None)

    @property
    def _may_start(self) -> bool:
        """Not while those of a predecessor may run, and not at the end."""
        return not (self._arbiter.is_stopping or self._arbiter.upgrade.predecessor)

    def _missing(self) -> list[tuple[int, Auxiliary]]:
        """Those that should run and do not, with their numbers: not while one of the same name
        still runs, from before a reload."""
        running = {each.process.name for each in self._stopping}
        return [
            (number, each)
            for number, each in enumerate(self._wanted)
            if each.pid is None and not each.is_done and each.process.name not in running
        ]

    @property
    def has_stopping(self) -> bool:
        """Whether one that has been told to end still runs."""
        return bool(self._stopping)

    def end(self, limit: float) -> None:
        """Tell all that run to end within `limit` seconds."""
        for auxiliary in self._wanted:
            self._end(auxiliary, limit)
        self._wanted = []

    def end_before_exec(self, limit: float) -> bool:
        """Tell those that cannot be handed over to end; whether they are gone."""
        for auxiliary in self._wanted:
            if not auxiliary.process.is_handed_over:
                self._end(auxiliary, limit)
        self._wanted = [each for each in self._wanted if each.process.is_handed_over]
        return not self._stopping

    def _end(self, auxiliary: Auxiliary, limit: float) -> None:
        if auxiliary.pid is not None:
            auxiliary.kill_at = self._arbiter.clock() + limit
            self._arbiter.processes.kill(auxiliary.pid, signal.SIGTERM)
            self._stopping.append(auxiliary)

    def running(self) -> list[tuple[str, int, ArbiterEnd]]:
        """Name, process id and channel of those that run and have not been told to end."""
        return [
            (each.process.name, each.pid, each.channel)
            for each in self._wanted
            if each.pid is not None and each.channel is not None
        ]

    def restore(self, handed: Iterable[HandedAuxiliary]) -> None:
        """After a re-exec: they run until the plugins have been asked what there is now."""
        for each in handed:
            auxiliary = Auxiliary(AuxiliaryProcess(each.name, _do_nothing))
            auxiliary.pid, auxiliary.channel = each.pid, restore_channel(each.channel)
            auxiliary.is_done = True
            self._wanted.append(auxiliary)

    def reap(self) -> None:
        """Record the auxiliary processes that have ended."""
        for auxiliary in [*self._wanted, *self._stopping]:
            if auxiliary.pid is None:
                continue
            status = self._arbiter.processes.reap(auxiliary.pid)
            if status is not None:
                self._on_exit(auxiliary, status)

    def pids(self) -> set[int]:
        """The process ids of all that run."""
        found = [auxiliary.pid for auxiliary in [*self._wanted, *self._stopping]]
        return {pid for pid in found if pid is not None}

    def descriptors(self) -> list[int]:
        """Their channels."""
        processes = [*self._wanted, *self._stopping]
        return [each.channel.fileno() for each in processes if each.channel is not None]

    def __len__(self) -> int:
        """How many processes there are."""
        return len(self.pids())

    def _start(self, number: int, auxiliary: Auxiliary, now: float) -> None:
        name = auxiliary.process.name
        try:
            auxiliary.pid, auxiliary.channel = self._fork(auxiliary.process)
        except OSError as error:
            message = "cannot start the auxiliary process %s: %s (tried again in %g s)"
            self._arbiter.log.error(message, name, error.strerror, _FORK_PAUSE)
            self._backoff.delay(number, now, _FORK_PAUSE)
            return
        auxiliary.started_at = now
        self._arbiter.log.info("%s started", auxiliary)

    def _fork(self, process: AuxiliaryProcess) -> tuple[int, ArbiterEnd]:
        """The process id, and the arbiter's end of the channel; raises OSError."""
        ends = open_channel()
        descriptors = [*self._arbiter.own_descriptors(), ends[0].fileno()]
        # An address that is closed by all others must not stay open in an auxiliary process.
        descriptors += [listener.fileno() for listener in self._arbiter.listeners]

        def become(channel: WorkerEnd, unblock: Callable[[], None]) -> NoReturn:
            _become_auxiliary(partial(_run, process, self._arbiter), channel, descriptors, unblock)

        return fork_child(self._arbiter.processes, ends, become), ends[0]

    def _on_exit(self, auxiliary: Auxiliary, status: int) -> None:
        log = self._arbiter.log
        code = os.waitstatus_to_exitcode(status)
        how = f"exited ({code})" if code >= 0 else f"killed ({signal.Signals(-code).name})"
        if auxiliary in self._stopping:
            self._stopping.remove(auxiliary)
            log.info("%s is gone: ended", auxiliary)
        elif code == 0:
            auxiliary.is_done = True
            log.info("%s is gone: done", auxiliary)
        else:
            number = self._wanted.index(auxiliary)
            now = self._arbiter.clock()
            pause = self._backoff.record_failure(number, now - auxiliary.started_at, now)
            log.error("%s is gone: %s; started again in %g s", auxiliary, how, pause)
        auxiliary.pid = None
        if auxiliary.channel is not None:
            auxiliary.channel.close()
            auxiliary.channel = None


def _become_auxiliary(
    body: Callable[[], int],
    channel: WorkerEnd,
    descriptors: Iterable[int],
    unblock: Callable[[], None],
) -> NoReturn:
    """Run in the child; never returns into the arbiter's code."""
    try:
        _reset_signals()
        unblock()
        for descriptor in descriptors:
            close(descriptor)
        # The default of SIGIO ends the process: so does the end of the arbiter.
        channel.ask_for_signal()
        _, is_open = channel.read()
        if is_open:  # an end that came before brings no signal
            unpatch()
            run_to_end(body, traceback.print_exc, _do_nothing)
    finally:
        os._exit(1)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        set_signal(number, signal.SIG_DFL)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
        set_signal(number, signal.SIG_IGN)


def _run(process: AuxiliaryProcess, arbiter: Arbiter) -> int:
    config = arbiter.config
    set_title(config.proc_name, process.name)
    if process.is_unprivileged:
        privilege_dropper(config)()
        set_environment(config)
    MainThreadWaker().start()
    process.target()
    return 0


def _do_nothing() -> None:
    pass
