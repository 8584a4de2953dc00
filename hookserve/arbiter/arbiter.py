"""The arbiter: the process that holds the listeners and keeps the workers.

It is a state machine.  One loop waits for a signal, a worker's message or the next deadline, and
takes one small step for each; nothing in it sleeps, and nothing a worker or a plugin does ends
it.  After every turn the keeper compares the workers that are with those that should be.

Files: roster (what is known of a worker), keeper (who is forked, replaced, retired), lifecycle
(policies: back-off, deadlines, replacement), forker and spawner (the fork), escalation (getting
rid of a worker), reload and rebirth (the transactions), upgrade, auxiliaries, ending, reaper and
exits (why a worker is gone), launch (everything before the loop).
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from hookserve.arbiter import child, handles
from hookserve.arbiter.auxiliaries import Auxiliaries
from hookserve.arbiter.escalation import Escalator
from hookserve.arbiter.handles import WorkerHandle, WorkerTable
from hookserve.arbiter.policies import Deadlines
from hookserve.arbiter.pool import WorkerPool
from hookserve.arbiter.preparation import ServingClasses
from hookserve.arbiter.reaper import Reaper
from hookserve.arbiter.reload import Reload
from hookserve.arbiter.shutdown import Shutdown
from hookserve.arbiter.signals import SignalInbox
from hookserve.arbiter.ticker import Ticker
from hookserve.arbiter.upgrade import Upgrade
from hookserve.errors import AppNotFound, BootError, HookserveError
from hookserve.plugins import calling
from hookserve.system.calls import make_poll

if TYPE_CHECKING:
    from hookserve.arbiter.handover import Start
    from hookserve.launch.assembly import Assembly
    from hookserve.launch.daemon import Launcher
    from hookserve.launch.pidfile import Pidfile
    from hookserve.listeners.listeners import Listener
    from hookserve.types import WSGIApplication
    from hookserve.worker.channel import Message


_LATE = 1.0


class Arbiter:
    """The master process, from the first fork to the end."""

    def __init__(
        self,
        assembly: Assembly,
        crew: ServingClasses,
        workers: int,
        app: WSGIApplication | None,
        reassemble: Callable[[], Assembly],
        start: Start,
        launcher: Launcher | None = None,
    ) -> None:
        self.assembly = assembly
        self.crew = crew
        self.app = app
        self.reassemble = reassemble
        self.start = start
        self.pidfile: Pidfile | None = None
        self.pid = os.getpid()
        self.log = logging.getLogger("hookserve")
        self.listeners: tuple[Listener, ...] = ()
        self.generation = 1
        """What a worker that is forked now belongs to; older ones are to be replaced."""
        self.worker_table = WorkerTable()
        self.launcher = launcher
        self.totals: dict[str, int] = {}
        """The counters of all workers that are gone."""
        self._wanted = workers
        self.shutdown = Shutdown(self)
        self.has_been_ready = False
        """Whether any worker was ever ready."""
        self._boot_failure: BootError | None = None
        self.reloads = Reload(self)
        self._deadlines = Deadlines()
        self.escalator = Escalator(self)
        self._reaper = Reaper(self)
        self._inbox = SignalInbox()
        self._poller = make_poll()
        self._watched: dict[int, Callable[[], None]] = {}
        self.watch(self._inbox.fileno(), self._heed_signals)
        self.upgrade = Upgrade(self)
        self.auxiliaries = Auxiliaries(self)
        self.ticker = Ticker(self)
        self.pool = WorkerPool(self, workers)
        self._handlers: dict[int, Callable[[], None]] = {
            signal.SIGTERM: self.shutdown.begin,
            signal.SIGINT: self.shutdown.shutdown_now,
            signal.SIGQUIT: self.shutdown.shutdown_now,
            signal.SIGHUP: self.reloads.begin,
            signal.SIGUSR1: self.reopen_logs,
            signal.SIGUSR2: self.upgrade.begin,
            signal.SIGTTIN: lambda: self.set_wanted(self._wanted + 1),
            signal.SIGTTOU: lambda: self.set_wanted(max(1, self._wanted - 1)),
            signal.SIGWINCH: lambda: self.set_wanted(0),
            signal.SIGCHLD: self._reap,
        }

    # What hooks and plugins may use.

    @property
    def config(self) -> object:
        """The configuration in effect."""
        return self.assembly.config

    @property
    def cfg(self) -> object:
        """gunicorn's name for `config`."""
        return self.assembly.config

    @property
    def address(self) -> tuple[str, ...]:
        """The addresses that are listened on."""
        return tuple(str(listener.address) for listener in self.listeners)

    @property
    def workers(self) -> tuple[WorkerHandle, ...]:
        """The workers whose processes exist."""
        return tuple(self.worker_table)

    @property
    def num_workers(self) -> int:
        """How many workers are wanted."""
        return self._wanted

    def set_wanted(self, count: int) -> None:
        """Change how many workers are wanted."""
        if count == self._wanted or self.is_stopping:
            return
        old, self._wanted = self._wanted, count
        self.log.info("%d workers wanted, not %d", count, old)
        hook = self.assembly.host.hook
        calling.notify(hook.nworkers_changed, server=self, new_value=count, old_value=old)

    def recycle(self, worker: WorkerHandle, reason: str) -> None:
        """Have a worker replaced; its replacement is ready before it goes."""
        self.pool.recycle(worker, reason)

    def reopen_logs(self) -> None:
        """Reopen the logs, here and in the workers."""
        calling.notify(self.assembly.host.hook.reopen_logs)
        for handle in self.worker_table:
            handle.signal(signal.SIGUSR1)

    # The loop.

    def run(self) -> None:
        """Keep the workers until told to stop; returns when all are gone.

        Raises BootError when no worker of the first generation could boot.
        """
        self._inbox.open()
        hook = self.assembly.host.hook
        calling.notify(hook.nworkers_changed, server=self, new_value=self._wanted, old_value=None)
        child.settle_memory()
        self.auxiliaries.gather()
        self._keep(time.monotonic())
        while not (self.is_stopping and (not self._is_populated() or self.shutdown.is_overdue())):
            self._turn_safely()
        if self._boot_failure is not None and not self.has_been_ready:
            raise self._boot_failure

    def close(self) -> None:
        """Give back signals and descriptors, after the loop."""
        self._inbox.close()

    def _turn_safely(self) -> None:
        """A turn whose failure is logged: an arbiter that ends leaves its workers behind."""
        try:
            self._turn()
        except HookserveError:
            raise
        except Exception:
            self.log.exception("a turn of the arbiter failed")
            if self.is_stopping:
                raise

    def _turn(self) -> None:
        before = time.monotonic()
        left = self._time_left(before)
        events = self._poller.poll(None if left is None else max(0.0, left * 1000.0))
        now = time.monotonic()
        if left is not None and now > before + left + _LATE:
            for handle in self.worker_table:
                handle.ignore_silence_before = now
        for descriptor, _ in events:
            if descriptor in self._watched:  # it may just have been closed
                self._watched[descriptor]()
        now = time.monotonic()
        for handle in self.worker_table:
            self.escalator.attend(handle, self._deadlines, now)
        self.shutdown.attend(now)
        self.reloads.attend()
        self.ticker.attend(now)
        self._keep(now)

    def _keep(self, now: float) -> None:
        if not self.is_stopping:
            self.pool.reconcile(now)
        self.auxiliaries.attend(now)

    def _is_populated(self) -> bool:
        return len(self.worker_table) > 0 or len(self.auxiliaries) > 0

    def _reap(self) -> None:
        self._reaper.reap()
        self.auxiliaries.reap()
        self.upgrade.reap()
        self.reloads.reexec.reap()

    def _time_left(self, now: float) -> float | None:
        """Seconds to the next deadline; `None`: there is none."""
        moments = [self._deadlines.due(handle, now) for handle in self.worker_table]
        moments.extend(self.auxiliaries.dues(now))
        moments.append(self.shutdown.due)
        if not self.is_stopping:
            moments.extend(self.pool.dues(now))
            moments.append(self.ticker.due)
        nearest = min((moment for moment in moments if moment is not None), default=None)
        return None if nearest is None else nearest - now

    # What the parts of the arbiter use.

    @property
    def first_generation_failed(self) -> bool:
        """Whether the first generation cannot boot, so that nothing is forked any more."""
        return self._boot_failure is not None and not self.has_been_ready

    def own_descriptors(self) -> list[int]:
        """What a child must not keep."""
        found = [*self._inbox.descriptors(), *self.upgrade.descriptors()]
        found += self.auxiliaries.descriptors() + self.reloads.descriptors()
        if self.launcher is not None:
            found.extend(self.launcher.descriptors())
        for handle in self.worker_table:
            found.append(handle.dump_fd)
            if handle.channel is not None:
                found.append(handle.channel.fileno())
        return found

    def other_children(self) -> set[int]:
        """The process ids of children that are no workers."""
        found = self.auxiliaries.pids() | self.reloads.reexec.pids()
        return found | ({self.upgrade.successor} if self.upgrade.successor else set())

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back whenever a descriptor is readable."""
        self._watched[descriptor] = callback
        self._poller.register(descriptor, select.POLLIN)

    def forget(self, descriptor: int) -> None:
        """Do not watch a descriptor any more, if it was watched."""
        if self._watched.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def add_worker(self, handle: WorkerHandle) -> None:
        """A worker has been forked."""
        assert handle.channel is not None
        self.worker_table.add(handle)
        self.watch(handle.channel.fileno(), partial(self._listen_to, handle))

    # What workers say, and how they end.

    def _heed_signals(self) -> None:
        for number in dict.fromkeys(self._inbox.read()):
            self._handlers[number]()

    def _listen_to(self, handle: WorkerHandle) -> None:
        assert handle.channel is not None
        messages, is_open = handle.channel.read()
        if not is_open:
            self.forget(handle.channel.fileno())
        for message in messages:
            self._heed(handle, message)

    def _heed(self, handle: WorkerHandle, message: Message) -> None:
        if message.kind == "recycle":
            self.pool.recycle(handle, message.text)
        elif message.kind == "boot failed":
            handle.boot_error, handle.boot_error_code = message.text, message.code
        elif message.kind == "ready" and handle.state == handles.BOOTING:
            handle.start_serving(time.monotonic())
            self.log.info("%s ready", handle)
            self.upgrade.say_ready()
            if not self.has_been_ready:
                self.has_been_ready = True
                if self.launcher is not None:
                    self.launcher.report(0, "")
            calling.notify(self.assembly.host.hook.worker_ready, server=self, worker=handle)

    def drain_messages(self, handle: WorkerHandle) -> None:
        """Read the last messages of a worker whose process has ended, and hang up."""
        assert handle.channel is not None
        if handle.channel.fileno() in self._watched:
            self._listen_to(handle)
        self.forget(handle.channel.fileno())

    def release(self, handle: WorkerHandle) -> None:
        """Keep a worker's counters and free what it held."""
        for name, value in handle.slot.counters().items():
            self.totals[name] = self.totals.get(name, 0) + value
        self.worker_table.remove(handle)
        handle.scoreboard.give_back(handle.slot)
        handle.close()

    def on_unexpected_exit(self, handle: WorkerHandle) -> None:
        """A worker has died unasked: when its slot may be filled again, and what it means."""
        pause = self.pool.record_failure(handle)
        if pause and self.has_been_ready and not self.is_stopping:
            self.log.warning("worker %d is started again in %g s", handle.index, pause)
        if handle.ready_at:
            return
        text = handle.boot_error or f"worker {handle.index} died while booting: {handle.reason}"
        kind = AppNotFound if handle.boot_error_code == AppNotFound.exit_code else BootError
        self._boot_failure = kind(text)
        self.reloads.boot_failed(handle, text)
        others = any(each.state == handles.BOOTING for each in self.worker_table)
        if not self.has_been_ready and not others and not self.is_stopping:
            self.log.error("no worker can boot: stopping")
            self.shutdown.shutdown_now()

    @property
    def is_stopping(self) -> bool:
        """Whether the server has begun to stop."""
        return self.shutdown.is_begun

    def reset_backoff(self) -> None:
        """A new generation starts without its predecessors' record of deaths."""
        self.pool.reset_backoff()
        self.pool.reset_plan()
        self._reaper.forget()

    def stats(self) -> Mapping[str, int]:
        """The counters of all workers, those that are gone included."""
        sums = dict(self.totals)
        for handle in self.worker_table:
            for name, value in handle.slot.counters().items():
                sums[name] = sums.get(name, 0) + value
        return sums
