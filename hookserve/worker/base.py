"""The worker base class: everything that all models share.

A model is `Worker.run` and `Worker.drain` plus a handful of calls; `hookserve.reactor.worker` has
both for models that drive connections with the reactor.  Accounting, recycling, accepting, the
heartbeat and the application are here, so that they cannot differ between models; the life of the
process around them is in `hookserve.worker.process`.

All of it runs in the worker's own process, and in its main thread unless a method says otherwise.

A worker model may add attributes and methods of its own under any name: what is private here is
name-mangled (two underscores), so a derived class cannot replace it by accident.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import count
from typing import IO, TYPE_CHECKING, ClassVar, TextIO

from hookserve.plugins import calling
from hookserve.protocol.wrappers import wrap_protocol
from hookserve.system.calls import close
from hookserve.system.exiting import end_forked_child
from hookserve.worker.cells import real_cell, unseen_word, unsigned_cell
from hookserve.worker.context import WorkerContext
from hookserve.worker.interface import WSGI
from hookserve.worker.middleware import wrap_application
from hookserve.worker.request_slots import RequestSlot
from hookserve.worker.spool import SpoolBudget, SpoolFile
from hookserve.worker.wakeup import Wakeup

if TYPE_CHECKING:
    from types import FrameType

    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.protocol.seam import Connection, Protocol
    from hookserve.types import WSGIApplication

WHOLE_BODY = sys.maxsize
"""As `Worker.awaited_body`."""
_ACCEPT_PAUSE = 0.5
_OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_SPOOL_WARNING_PAUSE = 60.0
_RESERVE_SHARE = 16
"""One connection in so many, at least one, is in reserve for new ones."""


class Worker(ABC):
    """A worker in its own process; a worker model derives from it."""

    buffered: ClassVar[bool] = False
    """Whether request bodies are complete before the application runs (event loops)."""
    awaited_body: int = 0
    """Where `buffered` is false: so many bytes of a body are there before the application runs;
    `WHOLE_BODY`: all, unless `buffer_bodies` is off, so that a slow client occupies no thread."""
    hands_over: ClassVar[bool] = False
    """Whether an exchange may take its connection over (`Transport.take_over`)."""
    multithread: bool = False
    """``wsgi.multithread``."""
    server_software: str = "hookserve"
    """``SERVER_SOFTWARE`` of the environ; a plugin may change it in `post_fork`."""
    app: WSGIApplication
    """The application, with the middleware of plugins around it."""
    alive = True
    """Whether to accept; false from TERM on."""
    is_quick = False
    """Whether to stop at once (INT, QUIT, or the arbiter is gone)."""
    ends_by = 0.0
    """When the process is to have ended, set before the drain (monotonic seconds)."""
    exit_code = 0
    """What the process exits with."""
    accepts_again_at = 0.0
    """Until then no descriptor could be had for another connection (monotonic seconds)."""
    interface = WSGI
    """The application's, once it is loaded."""
    suspends = False
    """Whether exchanges may be suspended (`Protocol.suspends`, of any listener)."""
    has_worked = False
    """Whether a request has ended since the worker was idle."""
    ended_at = 0.0
    """When a request last ended (monotonic seconds); 0.0: none since the last exchange began."""
    pre_request: tuple[Callable[..., None], ...] = ()
    """The implementations of the hook of this name, frozen; empty without any."""
    post_request: tuple[Callable[..., None], ...] = ()
    """As `pre_request`."""
    log_access: tuple[Callable[..., None], ...] = ()
    """As `pre_request`."""
    idle_listeners: tuple[Callable[..., None], ...] = ()
    """The implementations of `worker_idle`, frozen."""
    wall_clock = staticmethod(time.time)
    """Seconds since the epoch."""
    calendar = staticmethod(time.gmtime)
    """Turns these seconds into a date, in UTC."""

    def __init__(self, context: WorkerContext) -> None:
        self.context = context
        self.server = context.server
        self.index = context.index
        """0..N-1, stable: a replacement has its predecessor's."""
        self.generation = context.generation
        self.config = context.config
        self.log = context.server.log
        self.pid = os.getpid()
        self.listeners = context.listeners
        self.keeps_connections = True
        """Whether a connection may stay open after a response; false when the server is about to
        stop or the worker is above its high-water mark."""
        self.multiprocess = context.config.workers != 1
        self.errors: TextIO = sys.stderr
        """``wsgi.errors``."""
        self.clock = time.monotonic
        self.heartbeat_interval: float | None = context.config.timeout / 2 or None
        """The longest that a loop may wait between calls of `notify`; `None`: for ever."""
        self.__wakeup = Wakeup()
        self.wakeup = self.__wakeup.fileno()
        """Readable when a signal has arrived: wait for it, then call `process_signals`."""
        self.__wants_reopen = self.__is_stopping_soon = self.__is_recycled = False
        limit = context.config.worker_connections
        self.__high_water_mark = limit - max(1, limit // _RESERVE_SHARE)
        self.__recycle_countdown: Iterator[int] | None = None
        self.__protocols: dict[Listener, Protocol] = {}
        self.__unwrapped_protocols: list[Protocol] = []
        self.__request_slots: list[RequestSlot] = []
        self.__request_slot_numbers = count()
        self.__request_slot_count = 0
        self.__spool_warning_at = 0.0
        self.__spool_budget = SpoolBudget(context.config.spool_worker_limit)
        self.__heartbeat = context.slot.heartbeat_cell
        self.__open_connections = context.slot.open_connections_cell
        self.__accepted = context.slot.accepted_cell
        # next() is one step, whatever other threads do.
        self.__accepts, self.__rejects = count(1), count(1)

    # What a model provides.

    @classmethod
    def capacity(cls, config: Config) -> int:
        """How many requests one worker may have in flight at once; called in the arbiter."""
        return 1

    @abstractmethod
    def run(self) -> None:
        """Accept and serve until `alive` is false, which it may be from the beginning."""

    @abstractmethod
    def drain(self, deadline: float) -> None:
        """Finish the requests that the worker holds, by `deadline` (monotonic seconds).

        Where `serves_backlog` is true, what waits to be accepted is served first.
        """

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        """The application with the middleware for its interface around it."""
        return wrap_application(self, app, self.interface)

    def format_tasks(self) -> str:
        """The stacks of what is no thread (greenlets, tasks), for the report of a timeout."""
        return ""

    def stack_of(self, request_slot: RequestSlot) -> FrameType | str | None:
        """The innermost frame of what runs a request, or its stack; `None`: it is a thread's."""
        return None

    # What a model calls.

    def accept(self, listener: Listener) -> tuple[int, Connection] | None:
        """The next connection: its non-blocking descriptor, which the model owns, and the
        protocol's side of it; `None` when none waits, or no descriptor is free (see
        `accepts_again_at`).  May be called from any thread.
        """
        accepted = self.accept_socket(listener)
        if accepted is None:
            return None
        fd, address = accepted
        try:
            return fd, self.__protocols[listener].connect(address)
        except Exception as error:  # no memory, or a fault of the protocol or a wrapper
            close(fd)
            self.log.error("a new connection has failed and is closed", exc_info=error)
            return None

    def accept_socket(self, listener: Listener) -> tuple[int, object] | None:
        """As `accept`, for a model that speaks a protocol of its own: descriptor and address."""
        try:
            accepted = listener.accept()
        except OSError as error:
            if listener.fileno() < 0:  # closed by another thread at this moment
                return None
            if error.errno not in _OUT_OF_RESOURCES:
                raise
            self.pause_accepting(error)
            return None
        if accepted is not None:
            self.__accepted[()] = next(self.__accepts)
        return accepted

    def pause_accepting(self, error: OSError) -> None:
        """There was no descriptor or no memory for a connection: see `accepts_again_at`."""
        self.accepts_again_at = self.clock() + _ACCEPT_PAUSE
        self.context.slot.rejected = next(self.__rejects)
        message = "cannot accept: %s (accepting pauses for %s s)"
        self.log.warning(message, error.strerror, _ACCEPT_PAUSE)

    def notify(self) -> float:
        """The heartbeat, one store; returns the time in seconds of the monotonic clock.

        May be called from any thread.
        """
        now = self.__heartbeat[()] = time.monotonic()
        return now

    def idle(self) -> None:
        """Call the hook worker_idle if a request has ended since the last call.

        A model calls it before it waits, in the thread that waits.
        """
        if self.has_worked:
            self.has_worked = False
            for listener in self.idle_listeners:
                listener(self)

    def count_open(self, count: int) -> None:
        """Publish how many connections are open; above the high-water mark, near
        `worker_connections`, responses announce the end of their connection."""
        self.__open_connections[()] = count
        if (count > self.__high_water_mark) is self.keeps_connections:
            self.keeps_connections = count <= self.__high_water_mark
            if self.__is_stopping_soon:  # checked last: the signal may come anywhere
                self.keeps_connections = False

    def process_signals(self) -> None:
        """Do what signals asked for; to be called when `wakeup` is readable."""
        self.__wakeup.clear()
        if self.__wants_reopen:
            self.__wants_reopen = False
            calling.notify(self.context.host.hook.reopen_logs)

    def wake(self) -> None:
        """Make `wakeup` readable, from any thread."""
        self.__wakeup.notify()

    def wait_for_signals(self, seconds: float) -> None:
        """Wait for `wakeup`, at most that long, and do what signals asked for."""
        if self.__wakeup.wait(seconds):
            self.process_signals()

    def fail(self, error: BaseException) -> None:
        """Log an error that the worker cannot survive, and stop with exit code 1; any thread."""
        self.log.error("worker %d failed", self.index, exc_info=error)
        self.exit_code = 1
        self.stop_now()
        self.wake()

    def request_recycle(self, reason: str) -> None:
        """Ask the arbiter for a replacement; this worker serves until that is ready.

        May be called from any thread, more than once.
        """
        if not self.__is_recycled:
            self.__is_recycled = True
            self.context.channel.send("recycle", reason)

    @property
    def requests_in_flight(self) -> int:
        """How many requests have begun and not ended."""
        return self.__request_slot_count - len(self.__request_slots)

    def serves_backlog(self, listener: Listener) -> bool:
        """Whether no other worker accepts what waits there: the whole server stops, a reload has
        retired the listener, or the arbiter is gone."""
        return self.context.scoreboard.is_stopping or listener.refuses_new_connections

    # What a protocol calls.

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """A request begins to run: counts it, shows it on the scoreboard, and is a heartbeat.

        `label` is the request in reports, beside its id, as `Protocol.describe_request` shows it.
        """
        try:
            request_slot = self.__request_slots.pop()
        except IndexError:
            request_slot = self.__next_request_slot()
        now = self.__heartbeat[()] = time.monotonic()
        request_slot.begin(now, label, request_id)
        return request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        """The request is over, with `sent` bytes of body; `status_class` is 4 for an error of the
        client's and 5 for one of the server's, and no other class is counted as an error.
        """
        self.ended_at = now = time.monotonic()
        request_slot.end(now, status_class, sent)
        self.has_worked = True
        self.__request_slots.append(request_slot)
        if self.__recycle_countdown is not None and not next(self.__recycle_countdown, 0):
            self.request_recycle("max_requests")

    def spool(self) -> IO[bytes]:
        """An unnamed temporary file for a large request body or an unread response; raises
        OSError."""
        import tempfile

        try:
            raw = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # it outlives this call
            return SpoolFile(raw, self.__spool_budget, self.config.spool_connection_limit)
        except OSError as error:
            now = self.clock()
            if now >= self.__spool_warning_at:
                self.__spool_warning_at = now + _SPOOL_WARNING_PAUSE
                message = "no temporary file: %s (large bodies are refused, responses wait)"
                self.log.warning(message, error.strerror or error)
            raise

    def __next_request_slot(self) -> RequestSlot:
        number = next(self.__request_slot_numbers)
        self.__request_slot_count = max(self.__request_slot_count, number + 1)
        return self.context.slot.request_slot(number)

    def end_if_forked(self, error: BaseException | None = None) -> None:
        """End this process if it is a child that the application has forked, with the exit code of
        `error`; a protocol calls it before it responds to an error of the application."""
        if os.getpid() != self.pid:
            end_forked_child(error)

    # What the worker's process calls.

    def prepare(self, app: WSGIApplication) -> None:
        """Make everything ready for the first connection; `app` is without its middleware."""
        hook = self.context.host.hook
        self.app = self.wrap(app)
        limit = self.config.max_requests
        if limit:
            from random import randint

            limit += randint(0, self.config.max_requests_jitter)
            self.__recycle_countdown = iter(range(limit - 1, 0, -1))
        # A logger may start to buffer in post_worker_init, a protocol copies the frozen hooks.
        calling.fire(hook.post_worker_init, self)
        self.pre_request = calling.freeze(hook.pre_request)
        self.post_request = calling.freeze(hook.post_request)
        self.log_access = calling.freeze(hook.log_access)
        self.idle_listeners = calling.freeze(hook.worker_idle)
        for listener in self.listeners:
            protocol_class = self.context.protocol_classes[self.interface]
            protocol = protocol_class(self, listener.endpoint, self.buffered)
            self.__unwrapped_protocols.append(protocol)
            self.suspends |= protocol.suspends
            self.__protocols[listener] = wrap_protocol(self, protocol)
        if protocols := self.__unwrapped_protocols:
            type(protocols[0]).begin_service(protocols)

    def finish(self) -> None:
        """No connection is open any more, and the process is about to end."""
        if protocols := self.__unwrapped_protocols:
            type(protocols[0]).end_service(protocols)

    def listen_for_signals(self) -> None:
        """Make `wakeup` readable with every signal."""
        self.__wakeup.listen()

    def stop(self) -> None:
        """Stop accepting and drain; what TERM does."""
        self.announce_stop()
        self.alive = False

    def stop_now(self) -> None:
        """Stop without waiting for requests longer than `quick_timeout`; what INT and QUIT do."""
        self.is_quick = True
        self.stop()

    def announce_stop(self) -> None:
        """The server is about to stop: responses announce the end of their connection."""
        self.__is_stopping_soon, self.keeps_connections = True, False

    def retire_listener(self, address: str) -> None:
        """No worker accepts from that address after this one."""
        for listener in self.listeners:
            if str(listener.address) == address:
                listener.refuses_new_connections = True

    def after_fork(self) -> None:
        """Called in a child that the application has forked: release what belongs to the worker.
        The child neither accepts, nor responds, nor runs hooks, nor is it a sign of life."""
        unseen = unseen_word()
        self.__heartbeat, self.__open_connections = real_cell(unseen, 0), unsigned_cell(unseen, 0)
        self.__wakeup.replace()
        for listener in self.listeners:
            if listener.fileno() >= 0:
                close(listener.socket.detach())

    def reopen_logs(self) -> None:
        """Have the logs reopened by the next `process_signals`."""
        self.__wants_reopen = True
