"""The worker base class: a worker's whole life, and everything that all models share.

A model is `Worker.run` and `Worker.drain` plus a handful of calls.  Boot order, signals,
privileges, the application, hooks, readiness, the heartbeat, accounting, recycling, stack
dumps and the exit are here, so that they cannot differ between models.

A worker's life, in this order, all of it in the worker's own process and main thread:

1. *patch*: the model's patch function (with ``preload_app`` in the arbiter instead)
2. *post_fork*: the hook, with the arbiter's privileges
3. environment, privileges, then the application (unless preloaded) and its wrappers
4. hooks are frozen, the protocol is made, *post_worker_init* is called
5. *ready*: the arbiter is told; `run` accepts and serves until `alive` is false
6. *draining*: the hook, then `drain` finishes what the worker holds
7. *exit*: the hook *worker_exit*, exit handlers, the end

Signal handlers only set attributes and wake `wakeup`; the loop does what they ask for, but for
ABRT: the worker has missed its deadline and its loop may never run again.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import IO, TYPE_CHECKING, ClassVar, NoReturn, TextIO

from hookserve.errors import BootError
from hookserve.plugins import calling
from hookserve.protocol.wrappers import wrap_protocol
from hookserve.system.exiting import end_process, run_to_end
from hookserve.wording import describe
from hookserve.worker.context import WorkerContext
from hookserve.worker.interface import check_application
from hookserve.worker.scoreboard import DRAINING, GONE, READY, RequestSlot
from hookserve.worker.signals import DUMP_SIGNAL, take_over
from hookserve.worker.wakeup import Wakeup

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.listeners import Listener
    from hookserve.protocol.seam import Connection, Protocol
    from hookserve.types import WSGIApplication


_ACCEPT_PAUSE = 0.5
_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_CROWD_SHARE = 16
"""One place in so many, at least one, is not for connections that are kept."""


class Worker(ABC):
    """A worker in its own process; a worker model derives from it."""

    buffered: ClassVar[bool] = False
    """Whether request bodies are complete before the application runs (event loops)."""
    awaited_body: ClassVar[int] = 0
    """Where not: how many bytes of one are waited for, so that a slow client occupies nobody."""
    multithread: bool = False
    """``wsgi.multithread``."""
    app: WSGIApplication

    def __init__(self, context: WorkerContext) -> None:
        self.context = context
        self.server = context.server
        self.index = context.index
        """0..N-1, stable: a replacement has its predecessor's."""
        self.generation = context.generation
        self.config = self.cfg = context.config
        """Under gunicorn's name too."""
        self.log = context.server.log
        self.pid = os.getpid()
        self.listeners = context.listeners
        self.alive = True
        """Whether to accept; false from TERM on."""
        self.keeps_connections = True
        """Whether a connection may stay open after a response; false when the server leaves or
        the worker is crowded."""
        self.is_quick = False
        """Whether to stop at once (INT, QUIT, or the arbiter is gone)."""
        self.multiprocess = context.config.workers != 1
        self.errors: TextIO = sys.stderr
        """``wsgi.errors``."""
        self.clock = time.monotonic
        self.wall_clock = time.time
        self.calendar = time.gmtime
        self.pre_request: tuple[Callable[..., None], ...] = ()
        self.post_request: tuple[Callable[..., None], ...] = ()
        self.log_access: tuple[Callable[..., None], ...] = ()
        self.heartbeat_interval: float | None = context.config.timeout / 2 or None
        """The longest that a loop may wait between calls of `notify`; `None`: for ever."""
        self.accepts_again_at = 0.0
        """Until then no descriptor could be had for another connection."""
        self._wakeup = Wakeup()
        self.wakeup = self._wakeup.fileno()
        """Readable when a signal has arrived: wait for it, then call `process_signals`."""
        self.idle_listeners: tuple[Callable[..., None], ...] = ()
        self._exit_code = 0
        self.has_worked = False
        """Whether a request has ended since the worker was idle."""
        self._wants_reopen = False
        limit = context.config.worker_connections
        self._comfortable = limit - max(1, limit // _CROWD_SHARE)
        self._is_leaving = self._is_orphaned = self._is_recycled = False
        self._given_up: set[str] = set()
        """The addresses that no worker accepts from after this one."""
        self._recycle_countdown: Iterator[int] | None = None
        self._protocols: dict[Listener, Protocol] = {}
        self._request_slots: list[RequestSlot] = []
        self._request_slot_numbers = count()
        self._request_slot_count = 0
        self._slot = context.slot
        self._heartbeat = context.slot.heartbeat_cell
        self._open_connections = context.slot.open_connections_cell
        self._accepted = context.slot.accepted_cell
        # next() is one step, whatever other threads do.
        self._accepts, self._rejects = count(1), count(1)

    # What a model provides.

    @classmethod
    def capacity(cls, config: Config) -> int:
        """How many requests one worker may have in flight at once; asked in the arbiter."""
        return 1

    @abstractmethod
    def run(self) -> None:
        """Accept and serve until `alive` is false."""

    @abstractmethod
    def drain(self, deadline: float) -> None:
        """Finish the requests that the worker holds, by `deadline` (monotonic seconds).

        Where `serves_backlog` is true, what waits to be accepted is served first.
        """

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        """The application with the middleware of the plugins around it."""
        for _, wrapper in reversed(calling.collect(self.context.host.hook.app_wrappers, self)):
            app = wrapper(app)
        return app

    def format_tasks(self) -> str:
        """The stacks of what is no thread (greenlets, tasks), for the report of a timeout."""
        return ""

    # What a model calls.

    def accept(self, listener: Listener) -> tuple[int, Connection] | None:
        """A waiting connection: its non-blocking descriptor, which the model owns, and the
        protocol's side of it; `None` when nobody waits, or no descriptor is free (see
        `accepts_again_at`).
        """
        accepted = self.accept_socket(listener)
        if accepted is None:
            return None
        fd, peer = accepted
        return fd, self._protocols[listener].connect(peer)

    def accept_socket(self, listener: Listener) -> tuple[int, object] | None:
        """As `accept`, for a model that speaks a protocol of its own: descriptor and peer."""
        try:
            accepted = listener.accept()
        except OSError as error:
            if listener.fileno() < 0:  # closed by another thread at this moment
                return None
            if error.errno not in _OUT_OF_RESOURCES:
                raise
            self.accepts_again_at = self.clock() + _ACCEPT_PAUSE
            self._slot.rejected = next(self._rejects)
            self.log.warning("cannot accept: %s (accepting pauses for %s s)", error.strerror,
                             _ACCEPT_PAUSE)  # fmt: skip
            return None
        if accepted is not None:
            self._accepted[0] = next(self._accepts)
        return accepted

    def notify(self) -> float:
        """The heartbeat: one store; answers the time, in seconds of the monotonic clock."""
        now = self._heartbeat[0] = time.monotonic()
        return now

    def idle(self) -> None:
        """The model is about to wait; the hook is called when a request has ended since."""
        if self.has_worked:
            self.has_worked = False
            for listener in self.idle_listeners:
                listener(self)

    def count_open(self, count: int) -> None:
        """How many connections are open, for the scoreboard; near `worker_connections` none is
        kept any more, so that room is made where the client is told."""
        self._open_connections[0] = count
        if (count > self._comfortable) is self.keeps_connections:
            self.keeps_connections = count <= self._comfortable
            if self._is_leaving:  # asked last: the signal may come anywhere
                self.keeps_connections = False

    def process_signals(self) -> None:
        """Do what signals asked for; to be called when `wakeup` is readable."""
        self._wakeup.silence()
        if self._wants_reopen:
            self._wants_reopen = False
            calling.notify(self.context.host.hook.reopen_logs)

    def wake(self) -> None:
        """Make `wakeup` readable, from any thread."""
        self._wakeup.ring()

    def wait_for_signals(self, seconds: float) -> None:
        """Wait for `wakeup`, at most that long, and do what signals asked for."""
        if self._wakeup.wait(seconds):
            self.process_signals()

    def fail(self, error: BaseException) -> None:
        """What the model relies on has broken, in any thread: log it, stop, exit with code 1."""
        self.log.error("worker %d failed", self.index, exc_info=error)
        self._exit_code = 1
        self._on_quick_stop()
        self.wake()

    def request_recycle(self, reason: str) -> None:
        """Ask the arbiter for a replacement; this worker serves on until it is ready.

        May be called from any thread, more than once.
        """
        if not self._is_recycled:
            self._is_recycled = True
            self.context.channel.send("recycle", reason)

    @property
    def requests_in_flight(self) -> int:
        """How many requests have begun and not ended."""
        return self._request_slot_count - len(self._request_slots)

    def serves_backlog(self, listener: Listener) -> bool:
        """Whether nobody else would accept what waits there: the whole server stops, or a reload
        has given the listener up."""
        return self.context.scoreboard.is_stopping or str(listener.address) in self._given_up

    # What a protocol calls.

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """A request begins to run: counts it, shows it on the scoreboard, and is a heartbeat.

        `label` names the request in reports, beside its id, and is shown as it is.
        """
        try:
            request_slot = self._request_slots.pop()
        except IndexError:
            request_slot = self._another_request_slot()
        now = time.monotonic()
        self._heartbeat[0] = now
        request_slot.begin(now, label, request_id)
        return request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        """The request is over, with `sent` bytes of body; `status_class` is 4 for an error of the
        client's and 5 for one of the server's, and no other class is counted as an error.
        """
        request_slot.end(status_class, sent)
        self.has_worked = True
        self._request_slots.append(request_slot)
        if self._recycle_countdown is not None and not next(self._recycle_countdown, 0):
            self.request_recycle("max_requests")

    def spool(self) -> IO[bytes]:
        """An unnamed temporary file for a large request body."""
        import tempfile

        return tempfile.TemporaryFile()

    # The life, called by the arbiter's child.

    def main(self) -> NoReturn:
        """Live from just after the fork to the exit of the process."""
        complain = partial(self.log.exception, "worker %d failed", self.index)
        run_to_end(self._live, complain, self._say_last_words)

    def install_signals(self) -> None:
        """Take the signals over; the mask that was set around the fork is lifted afterwards."""
        self._wakeup.listen()
        handlers: dict[int, Callable[..., None]] = {
            signal.SIGTERM: self._on_stop,
            signal.SIGINT: self._on_quick_stop,
            signal.SIGQUIT: self._on_quick_stop,
            signal.SIGUSR1: self._on_reopen,
            signal.SIGIO: self._on_line,
            signal.SIGABRT: self._on_abort,
            DUMP_SIGNAL: self._on_dump,
        }
        take_over(handlers, self.context.dump_fd)
        self.context.channel.ask_for_signal()
        self._on_line()

    def _live(self) -> int:
        self.notify()
        try:
            self._boot()
        except Exception as error:  # the application or a library of its may raise anything
            return self._report_boot_failure(error)
        self._say_ready()
        if self.alive:
            self.run()
        if self._is_orphaned:
            self.log.error("worker %d stops: its arbiter (pid %d) is gone", self.index,
                           self.server.pid)  # fmt: skip
        self._slot.state = DRAINING
        calling.notify(self.context.host.hook.worker_draining, self)
        if self.is_quick:
            calling.notify(self.context.host.hook.worker_int, self)
        limit = self.config.quick_timeout if self.is_quick else self.config.graceful_timeout
        self.drain(self.clock() + limit)
        return self._exit_code

    def _boot(self) -> None:
        context, hook = self.context, self.context.host.hook
        calling.fire(hook.post_fork, context.server, self)
        os.environ["HOOKSERVE_WORKER_INDEX"] = str(self.index)
        context.drop_privileges()
        app = context.app
        if app is None:
            app = calling.fire(hook.load_app, context.config)  # type: ignore[assignment]  # the first answer is the application
        check_application(app, context.worker_type.interface, str(context.config.wsgi_app))
        self.app = self.wrap(app)  # type: ignore[arg-type]  # as checked
        if limit := context.config.max_requests:
            from random import randint

            limit += randint(0, context.config.max_requests_jitter)
            self._recycle_countdown = iter(range(limit - 1, 0, -1))
        # A logger may start to buffer in post_worker_init, a protocol copies the frozen hooks.
        calling.fire(hook.post_worker_init, self)
        self.pre_request = calling.freeze(hook.pre_request)
        self.post_request = calling.freeze(hook.post_request)
        self.log_access = calling.freeze(hook.log_access)
        self.idle_listeners = calling.freeze(hook.worker_idle)
        for listener in self.listeners:
            protocol = context.protocol_type(self, listener.endpoint, self.buffered)
            self._protocols[listener] = wrap_protocol(self, protocol)

    def _say_ready(self) -> None:
        gc.collect()
        gc.freeze()
        self.notify()
        self._slot.state = READY
        self.context.channel.send("ready")

    def _report_boot_failure(self, error: Exception) -> int:
        code = error.exit_code if isinstance(error, BootError) else BootError.exit_code
        self.context.channel.send("boot failed", describe(error), code)
        return code

    def _another_request_slot(self) -> RequestSlot:
        number = next(self._request_slot_numbers)
        self._request_slot_count = max(self._request_slot_count, number + 1)
        return self.context.slot.request_slot(number)

    def _say_last_words(self) -> None:
        calling.notify(self.context.host.hook.worker_exit, self.server, self)
        self._slot.state = GONE

    # Signal handlers.

    def _on_stop(self, *_: object) -> None:
        self._is_leaving, self.keeps_connections, self.alive = True, False, False

    def _on_quick_stop(self, *_: object) -> None:
        self.is_quick = True
        self._on_stop()

    def _on_reopen(self, *_: object) -> None:
        self._wants_reopen = True

    def _on_line(self, *_: object) -> None:
        """The line to the arbiter has changed: perhaps it is down."""
        messages, is_open = self.context.channel.read()
        for message in messages:
            if message.kind == "drain delay":
                self._is_leaving, self.keeps_connections = True, False
            elif message.kind == "retire listener":
                self._given_up.add(message.text)
        if not is_open:
            self._is_orphaned = True
            self._on_quick_stop()

    def _on_dump(self, *_: object) -> None:
        """The threads are dumped already, in C; what a model runs besides them follows."""
        os.write(self.context.dump_fd, self.format_tasks().encode(errors="replace"))

    def _on_abort(self, *_: object) -> None:
        """Missed a deadline; whatever the loop is in will not come back in time."""
        calling.notify(self.context.host.hook.worker_abort, self)
        end_process(1, self._say_last_words)
