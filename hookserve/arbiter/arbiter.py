"""The arbiter: the process that holds the listeners and supervises the workers.

It is a state machine.  One loop waits for a signal, a worker's message or the next deadline, and
has each of its parts take one small step; nothing in it sleeps, and nothing a worker or a plugin
does ends it.  `Arbiter._parts` lists the parts, in the order of their steps.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING

from hookserve.arbiter import child, handles
from hookserve.arbiter.auxiliaries import Auxiliaries
from hookserve.arbiter.backlog import Backlog
from hookserve.arbiter.escalation import Escalator
from hookserve.arbiter.generation import Generation
from hookserve.arbiter.handles import WorkerHandle, WorkerTable
from hookserve.arbiter.messages import Messages
from hookserve.arbiter.parts import Part
from hookserve.arbiter.pool import WorkerPool
from hookserve.arbiter.publication import Publication
from hookserve.arbiter.reaper import Reaper
from hookserve.arbiter.reexec import Reexec
from hookserve.arbiter.reload import Reload
from hookserve.arbiter.retirement import Retirement
from hookserve.arbiter.shutdown import Shutdown
from hookserve.arbiter.signals import SignalInbox, name_of
from hookserve.arbiter.slow_requests import SlowRequests
from hookserve.arbiter.ticker import Ticker
from hookserve.arbiter.upgrade import Upgrade
from hookserve.arbiter.watcher import Watcher
from hookserve.errors import AppNotFound, BootError, HookserveError
from hookserve.plugins import calling
from hookserve.system.processes import Processes

if TYPE_CHECKING:
    from hookserve.arbiter.handover import Start
    from hookserve.config.resolved import Config
    from hookserve.hookspecs import Hooks
    from hookserve.launch.assembly import Assembly
    from hookserve.launch.daemon import StartReport
    from hookserve.launch.pidfile import Pidfile
    from hookserve.listeners.listener import Listener
    from hookserve.server import WorkerInfo
    from hookserve.worker.scoreboard import Scoreboard

_LATE = 1.0


class Arbiter:
    """The master process (`hookserve.server.Server`), from the first fork to the end."""

    pidfile: Pidfile | None = None

    def __init__(
        self,
        generation: Generation,
        reassemble: Callable[[], Assembly],
        start: Start,
        start_report: StartReport | None = None,
        processes: Processes | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.current = generation
        self.previous: Generation | None = None
        """What a reload that is not complete began with."""
        self.start = start
        self.start_report = start_report
        self.processes = processes or Processes()
        self.clock = clock
        self.pid = os.getpid()
        self.log = logging.getLogger("hookserve")
        self.worker_table = WorkerTable()
        self.has_been_ready = False
        """Whether any worker was ever ready."""
        self._boot_failure: BootError | None = None
        self._inbox, self._watcher = SignalInbox(), Watcher()
        self._watched: set[int] = set()
        self._ignored_signals: set[int] = set()
        self.watch(self._inbox.fileno(), self._process_signals)
        self.messages = Messages(self._watcher, clock, self.log, self.recycle, self.on_ready)
        self.reaper = Reaper(self)
        self.escalator = Escalator(self, self.worker_table, lambda: self.current, clock)
        self.slow_requests = SlowRequests(self.worker_table, self.log, clock)
        self.shutdown = Shutdown(self)
        self.reexec = Reexec(self)
        self.reloads = Reload(self, reassemble)
        self.ticker = Ticker(self, lambda: self.hook, lambda: self.reloads.can_be_cancelled)
        self.retirement = Retirement(clock)
        self.pool = WorkerPool(self)
        self.publication = Publication(self, clock)
        self.auxiliaries = Auxiliaries(self)
        self.upgrade = Upgrade(self)
        self._handlers = self._signal_handlers()

    @cached_property
    def _parts(self) -> tuple[Part, ...]:
        """In the order of their steps."""
        return (
            self.messages,
            self.reaper,
            self.escalator,
            self.slow_requests,
            Backlog(self, self.clock),
            self.retirement,
            self.shutdown,
            self.reexec,
            self.reloads,
            self.ticker,
            self.pool,
            self.auxiliaries,
            self.upgrade,
            self.publication,
        )

    def _signal_handlers(self) -> dict[int, Callable[[str], object]]:
        return {
            signal.SIGTERM: self.shutdown.shutdown,
            signal.SIGINT: self.shutdown.shutdown_now,
            signal.SIGQUIT: self.shutdown.shutdown_now,
            signal.SIGHUP: self.reloads.begin,
            signal.SIGUSR1: lambda _: self.reopen_logs(),
            signal.SIGUSR2: lambda _: self.upgrade.begin(),
            signal.SIGTTIN: self.pool.add_one,
            signal.SIGTTOU: lambda by: self.set_wanted(max(1, self.num_workers - 1), by),
            signal.SIGWINCH: self._drain_daemon,
            signal.SIGCHLD: lambda _: self._reap(),
        }

    def _drain_daemon(self, asked_by: str) -> None:
        """In the foreground the signal means that the terminal's size has changed."""
        if self.config.daemon:
            self.set_wanted(0, asked_by)

    # What hooks and plugins may use (`hookserve.server.Server`).

    @property
    def config(self) -> Config:
        """The configuration in effect."""
        return self.current.config

    @property
    def environ(self) -> MutableMapping[str, str]:
        """The environment that the next arbiter is executed with."""
        return self.start.environ

    @property
    def generation(self) -> int:
        """The number of the current generation."""
        return self.current.number

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The listening sockets that new workers inherit."""
        return self.current.listeners

    @property
    def address(self) -> tuple[str, ...]:
        """The addresses that are listened on."""
        return tuple(listener.shown_address for listener in self.listeners)

    @property
    def workers(self) -> tuple[WorkerHandle, ...]:
        """The workers whose processes exist."""
        return tuple(self.worker_table)

    @property
    def num_workers(self) -> int:
        """How many workers are wanted."""
        return self.current.wanted

    @property
    def most_workers(self) -> int:
        """How many workers may be wanted until a reload has room for more."""
        return self.pool.most_workers

    @property
    def worker_model(self) -> str:
        """The name of the worker model."""
        return self.current.classes.worker_type.name

    @property
    def worker_capacity(self) -> int:
        """How many requests one worker may have in flight at once."""
        return self.current.capacity

    @property
    def is_stopping(self) -> bool:
        """Whether the server has begun to stop."""
        return self.shutdown.has_begun

    @property
    def is_draining(self) -> bool:
        """Whether the server has been told to stop, though it may accept for `drain_delay`."""
        return self.shutdown.is_announced

    def stats(self) -> Mapping[str, int]:
        """The sums of all workers' counters, those that are gone included."""
        sums = self.publication.record.totals
        for handle in self.worker_table:
            for name, value in handle.counters().items():
                sums[name] = sums.get(name, 0) + value
        return sums

    @property
    def scoreboards(self) -> tuple[Scoreboard, ...]:
        """The current one first, then those that workers of an earlier generation write to."""
        return tuple(self.pool.factory.scoreboards())

    def set_wanted(self, count: int, asked_by: str = "a plugin") -> None:
        """Change how many workers are wanted, to `most_workers` at most; raises ValueError for a
        negative number."""
        self.pool.set_wanted(count, asked_by)

    def recycle(self, worker: WorkerInfo, reason: str) -> None:
        """Have a worker replaced; its replacement is ready before it is retired."""
        assert isinstance(worker, WorkerHandle)
        self.pool.recycle(worker, reason)

    def reload(self, asked_by: str = "a plugin") -> None:
        """As HUP."""
        self.reloads.begin(asked_by)

    def stop(self, asked_by: str = "a plugin") -> None:
        """As TERM."""
        self.shutdown.shutdown(asked_by)

    def reopen_logs(self) -> None:
        """As USR1: reopen the logs, here and in the workers."""
        calling.notify(self.hook.reopen_logs)
        for handle in self.worker_table:
            handle.signal(signal.SIGUSR1)

    # The loop.

    def run(self) -> None:
        """Supervise the workers until told to stop; returns when all are gone.

        Raises BootError when no worker of the first generation could boot.
        """
        self._inbox.open()
        count, hook = self.num_workers, self.hook.nworkers_changed
        calling.notify(hook, server=self, new_value=count, old_value=None)
        child.freeze_memory()
        # What the dry run of a re-exec could not try must not end workers that serve on.
        (self.auxiliaries.restart if self.worker_table else self.auxiliaries.gather)()
        self.pool.step(self.clock())
        self.auxiliaries.step(self.clock())
        self.publication.step(self.clock())
        while not (self.is_stopping and (not self._has_children() or self.shutdown.is_overdue())):
            self._turn_safely()
        if self.first_generation_failed:
            assert self._boot_failure is not None
            raise self._boot_failure

    def close(self) -> None:
        """Restore signals and close descriptors, after the loop."""
        self._inbox.close()

    def _turn_safely(self) -> None:
        """A turn whose failure is logged: an arbiter that ends leaves its workers behind."""
        try:
            self.turn()
        except HookserveError:
            raise
        except Exception:
            self.log.exception("a turn of the arbiter failed")
            if self.is_stopping:
                raise

    def turn(self) -> None:
        """Wait for what happens next, and have each part take its step."""
        before = self.clock()
        due = self._next_deadline(before)
        self.publication.set_due(due)
        readable = self._watcher.wait(None if due is None else due - before)
        now = self.clock()
        self.publication.set_due(now)
        if due is not None and now > due + _LATE:
            for handle in self.worker_table:
                handle.ignore_silence_before = now
        self._watcher.call(readable)
        now = self.clock()
        for part in self._parts:
            part.step(now)

    def _has_children(self) -> bool:
        return len(self.worker_table) > 0 or len(self.auxiliaries) > 0

    def _reap(self) -> None:
        for part in self._parts:
            part.reap()

    def _next_deadline(self, now: float) -> float | None:
        """In seconds of the monotonic clock; `None`: there is none."""
        moments = (part.due(now) for part in self._parts)
        return min((each for each in moments if each is not None), default=None)

    # What the parts use.

    @property
    def hook(self) -> Hooks:
        """The hooks of the current generation's plugins."""
        return self.current.hook

    @property
    def first_generation_failed(self) -> bool:
        """Whether the first generation cannot boot, so that no worker is forked any more."""
        return self._boot_failure is not None and not self.has_been_ready

    def own_descriptors(self) -> list[int]:
        """The descriptors that a forked child must close."""
        found = [*self._inbox.descriptors()]
        found += [fd for part in self._parts for fd in part.descriptors()]
        if self.start_report is not None:
            found.extend(self.start_report.descriptors())
        if self.pidfile is not None:
            found.extend(self.pidfile.descriptors())
        for handle in self.worker_table:
            found.append(handle.dump_fd)
            if handle.channel is not None:
                found.append(handle.channel.fileno())
        return list(self._watched.union(found))

    def other_children(self) -> set[int]:
        """The process ids of children that are not workers."""
        return {pid for part in self._parts for pid in part.pids()}

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back whenever a descriptor is readable; forked children close it."""
        self._watched.add(descriptor)
        self._watcher.watch(descriptor, callback)

    def unwatch(self, descriptor: int) -> None:
        """Stop watching a descriptor, if it was watched."""
        self._watched.discard(descriptor)
        self._watcher.unwatch(descriptor)

    def begin_generation(self, workers: int = 0) -> None:
        """Another generation is current, for so many workers: failures before do not count."""
        self.pool.begin_generation(max(workers, self.num_workers))
        self.reaper.begin_generation()

    def add_worker(self, handle: WorkerHandle) -> None:
        """Supervise a worker that has been forked."""
        self.worker_table.add(handle)
        self.messages.watch(handle)

    def release(self, handle: WorkerHandle) -> None:
        """Keep a worker's counters and free what it held."""
        self.publication.release(handle)
        self.worker_table.remove(handle)
        handle.close()

    def on_unexpected_exit(self, handle: WorkerHandle) -> None:
        """A worker has ended unasked: delay its replacement, and stop where none can boot."""
        pause = self.pool.record_failure(handle)
        if pause and self.has_been_ready and not self.is_stopping:
            self.log.warning("worker %d is started again in %g s", handle.index, pause)
        if handle.ready_at:
            return
        text = handle.boot_error or f"worker {handle.index} ended while booting: {handle.reason}"
        kind = AppNotFound if handle.boot_error_code == AppNotFound.exit_code else BootError
        self._boot_failure = kind(text)
        self.reloads.on_boot_failure(handle, text)
        others = any(each.state == handles.BOOTING for each in self.worker_table)
        if not self.has_been_ready and not others and not self.is_stopping:
            self.log.error("no worker can boot: stopping")
            self.shutdown.shutdown_now("a worker that cannot boot")

    # Signals and messages.

    def _process_signals(self) -> None:
        # CHLD comes last: a worker that the same Ctrl-C has ended was asked to.
        for number in sorted(dict.fromkeys(self._inbox.read()), key=signal.SIGCHLD.__eq__):
            handler = self._handlers.get(number)
            if handler is not None:
                handler(name_of(number))
            elif number not in self._ignored_signals:
                self._ignored_signals.add(number)
                self.log.warning("%s is ignored: it has no meaning here", name_of(number))

    def on_ready(self, handle: WorkerHandle) -> None:
        """A worker says that it is ready."""
        handle.start_serving(self.clock())
        self.log.info("%s ready", handle)
        self.upgrade.send_ready()
        if not self.has_been_ready:
            self.has_been_ready = True
            if self.start_report is not None:
                self.start_report.report(0, "")
        calling.notify(self.hook.worker_ready, server=self, worker=handle)
