"""A worker's life in its own process, from just after the fork to the exit.

1. *patch*: the model's patch function (with ``preload_app`` in the arbiter instead)
2. *post_fork*: the hook, with the arbiter's privileges
3. environment, privileges, then the application (unless preloaded) and its wrappers
4. hooks are frozen, the protocol is made, *post_worker_init* is called
5. *ready*: the arbiter is notified; `Worker.run` accepts and serves until `alive` is false
6. *draining*: the hook, a moment for the arbiter to say why, then `Worker.drain` finishes what the
   worker holds
7. *exit*: the hook *worker_exit*, exit handlers, the end

Signal handlers only set attributes and wake the loop, which does what they ask for, except for
ABRT: the worker has missed its deadline and its loop may never run again.  They wake the loop
themselves: `signal.set_wakeup_fd` alone does not suffice, because a library may have taken it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from hookserve.errors import BootError
from hookserve.plugins import calling
from hookserve.plugins.selection import application_classes
from hookserve.system.exiting import end_process, run_to_end
from hookserve.wording import describe
from hookserve.worker.interface import InterfaceMismatch, check_protocol, pair
from hookserve.worker.scoreboard import DRAINING, GONE, READY
from hookserve.worker.signals import DUMP_SIGNAL, restore_defaults, take_over

if TYPE_CHECKING:
    from hookserve.worker.base import Worker
    from hookserve.worker.running import RunningRequests

_END_TIME = 1.0
"""What is kept for the end of what may be suspended, in seconds; at most half of the time."""
_EXIT_TIME = 0.2
"""How long before its time is over a process exits, in seconds; at most a tenth of it."""
_ARBITER_TIME = 0.5
"""How long a worker that a signal has stopped waits for its arbiter to say why, in seconds."""


class WorkerProcess:
    """Runs one worker; made in the process that was forked for it, used in its main thread."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._context = worker.context
        self._hook = worker.context.host.hook
        self._is_orphaned = False
        self._is_signalled = False
        """Whether a signal has told the worker to stop."""
        self._is_retired = False
        """Whether the arbiter has said that the signal is its own."""
        self._handlers: Mapping[int, Callable[..., None]] = {}
        self._running: RunningRequests | None = None
        if worker.config.slow_request:
            from hookserve.worker.running import RunningRequests

            self._running = RunningRequests(worker)

    def install_signals(self) -> None:
        """Take the signals over; the mask that was set around the fork is lifted afterwards."""
        self._worker.listen_for_signals()
        handlers: dict[int, Callable[[], None]] = {
            signal.SIGTERM: self._stop,
            signal.SIGINT: self._stop_now,
            signal.SIGQUIT: self._stop_now,
            signal.SIGUSR1: self._worker.reopen_logs,
            signal.SIGIO: self._read_messages,
            signal.SIGABRT: self._abort,
            DUMP_SIGNAL: self._dump_tasks,
        }
        wrapped = {number: partial(self._handle, handler) for number, handler in handlers.items()}
        take_over(wrapped, self._context.dump_fd)
        self._handlers = wrapped
        self._context.channel.ask_for_signal()
        self._read_messages()

    def run_to_end(self) -> NoReturn:
        """Boot, serve, drain and exit; the process ends here, whatever is raised."""
        on_error = partial(self._worker.log.exception, "worker %d failed", self._worker.index)
        run_to_end(self._run, on_error, self._on_exit)

    def _run(self) -> int:
        worker = self._worker
        os.register_at_fork(after_in_child=self._on_fork)
        worker.notify()
        try:
            self._boot()
        except Exception as error:  # the application or a library of its may raise anything
            return self._report_boot_failure(error)
        if self._context.scoreboard.is_draining:  # forked since, so that no message comes
            worker.announce_stop()
        self._report_ready()
        worker.run()  # one that is told to stop runs too: its drain needs what this prepares
        if self._is_orphaned:
            worker.log.error(
                "worker %d stops: its arbiter (pid %d) is gone", worker.index, worker.server.pid
            )
        self._context.slot.state = DRAINING
        calling.notify(self._hook.worker_draining, worker)
        if worker.is_quick:
            calling.notify(self._hook.worker_int, worker)
        self._wait_for_arbiter()
        self._retire_listeners()
        config = worker.config
        self._drain(config.quick_timeout if worker.is_quick else config.graceful_timeout)
        worker.finish()
        self._report_lost(is_named=False)
        return worker.exit_code

    def _drain(self, limit: float) -> None:
        """Finish the requests; where they may be suspended, early enough to cancel those that do
        not end and to end the application within `limit` seconds, after which the arbiter would
        end the worker."""
        worker = self._worker
        now = worker.clock()
        worker.ends_by = now + limit - min(_EXIT_TIME, limit / 10)
        kept = min(_END_TIME, limit / 2) if worker.suspends else 0.0
        worker.drain(now + limit - kept)

    def _wait_for_arbiter(self) -> None:
        """The signal may have been sent to every process of the server, as by Ctrl-C.  Then the
        arbiter is about to announce the stop, and what waits to be accepted is this worker's."""
        worker, scoreboard = self._worker, self._context.scoreboard
        until = worker.clock() + _ARBITER_TIME
        while self._is_signalled and not (self._is_retired or scoreboard.is_stopping):
            left = until - worker.clock()
            if left <= 0 or self._is_orphaned:
                break
            worker.wait_for_signals(left)

    def _retire_listeners(self) -> None:
        """Of an orphaned worker; for any other the arbiter does it when the whole server stops."""
        if self._is_orphaned:
            from hookserve.worker.orphan import retire_listeners

            retire_listeners(self._worker)

    def _boot(self) -> None:
        context = self._context
        calling.fire(self._hook.post_fork, context.server, self._worker)
        os.environ["HOOKSERVE_WORKER_INDEX"] = str(self._worker.index)
        context.drop_privileges()
        app: object = context.app
        if app is None:
            app = calling.fire(self._hook.load_app, context.config)
        config, model = context.config, context.worker_type
        self._worker.interface = pair(
            app,
            config.interface,
            model.name,
            model.interfaces,
            str(config.wsgi_app),
            application_classes(context.host),
        )
        check_protocol(config.protocol, context.protocol_classes, self._worker.interface)
        self._worker.prepare(app)  # type: ignore[arg-type]  # as checked

    def _report_ready(self) -> None:
        gc.collect()
        gc.freeze()
        self._worker.notify()
        self._context.slot.state = READY
        self._context.channel.send("ready")

    def _report_boot_failure(self, error: Exception) -> int:
        if isinstance(error, InterfaceMismatch):
            self._context.channel.send("interface", error.interface)
        code = error.exit_code if isinstance(error, BootError) else BootError.exit_code
        self._context.channel.send("boot failed", describe(error), code)
        return code

    def _report_lost(self, is_named: bool) -> None:
        """Of an orphaned worker; for any other the arbiter does it when the process is gone."""
        if self._is_orphaned:
            from hookserve.worker.orphan import report_lost

            report_lost(self._worker, is_named)

    def _on_exit(self) -> None:
        calling.notify(self._hook.worker_exit, self._worker.server, self._worker)
        self._context.slot.state = GONE

    def _on_fork(self) -> None:
        """The application has forked, and this is the child: it is not a worker.

        It keeps the application's own work: its signals have their defaults again, and it holds
        neither listeners nor connections.  What it returns into the worker's code ends it
        (`Worker.after_fork`).
        """
        restore_defaults(self._handlers)
        self._context.channel.close()
        self._worker.after_fork()

    # Signal handlers.

    def _handle(self, handler: Callable[[], None], *_: object) -> None:
        handler()
        self._worker.wake()

    def _stop(self) -> None:
        self._is_signalled = True
        self._worker.stop()

    def _stop_now(self) -> None:
        self._is_signalled = True
        self._worker.stop_now()

    def _read_messages(self) -> None:
        """The channel to the arbiter is readable, or closed because the arbiter is gone."""
        messages, is_open = self._context.channel.read()
        for message in messages:
            if message.kind == "drain delay":
                self._worker.announce_stop()
            elif message.kind == "retire":
                self._is_retired = True
            elif message.kind == "retire listener":
                self._worker.retire_listener(message.text)
        if not (is_open or self._is_orphaned):
            from hookserve.worker.orphan import end_in_time

            self._is_orphaned = True
            self._worker.stop_now()
            end_in_time(self._worker)

    def _dump_tasks(self) -> None:
        """The threads are dumped already, in C; what a model runs besides them follows."""
        text = self._worker.format_tasks()
        if self._running is not None:
            # The frame of what this handler has interrupted; `_handle` is between the two.
            text += self._running.format_slow(sys._getframe(2))
        os.write(self._context.dump_fd, text.encode(errors="replace"))

    def _abort(self) -> None:
        """The worker has missed a deadline, and its loop may never run again."""
        self._report_lost(is_named=True)
        calling.notify(self._hook.worker_abort, self._worker)
        end_process(1, self._on_exit)
