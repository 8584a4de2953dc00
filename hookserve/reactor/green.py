"""What worker models with greenlets have in common: a pool of greenlets around the reactor.

The reactor's descriptor is watched by the event library's hub; `Reactor.turn` runs in the hub and
hands each connection that is ready to a greenlet, which runs the exchange and may block as it
likes.  A connection that waits for its client has no greenlet: an idle one costs what it costs in
the epoll worker.  A greenlet that is done waits in the pool for the next exchange, as threads do,
so starting a request is one switch.

A model supplies the five primitives of its library.  Nothing here imports one.

Code that runs in the hub must not block; the main greenlet does what has time: the heartbeat,
deadlines and the drain.
"""

from __future__ import annotations

import math
import traceback
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Protocol

from hookserve.config.resolved import Config
from hookserve.protocol.seam import RequestCancelled
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SocketTransport
from hookserve.worker.base import Worker
from hookserve.worker.context import WorkerContext
from hookserve.worker.scoreboard import RequestSlot

_SPARE = 256
"""Greenlets that are kept for the next requests."""
_DRAIN_PAUSE = 0.05


Task = Accepted | None
"""What a greenlet of the pool is given: a connection that is ready, or only the worker's idle
moment, for a listener may block, and the hub must not."""


class Greenlet(Protocol):
    """What is needed of a greenlet."""

    gr_frame: FrameType | None

    def switch(self, *values: object) -> object:
        """Go on in that greenlet."""

    def throw(self, *error: object) -> object:
        """Raise in that greenlet."""


class GreenWorker(Worker):
    """Runs each request in a greenlet of its own."""

    multithread = True
    awaited_body = 65536

    # The two primitives of an event library that each request needs are plain attributes.
    current: Callable[[], Greenlet]
    """The greenlet that runs."""
    leave: Callable[[], object]
    """Go to the hub; answers what the greenlet is switched to with."""

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._reactor = Reactor(self, self._dispatch)
        self._reactor.on_earlier_sweep = self._end_rest
        self._spare: list[Greenlet] = []
        self._running: dict[Greenlet, RequestSlot] = {}
        self._limit: float = self.config.request_timeout
        self._is_turning = False
        """Whether a turn's requests run, after which the worker is idle."""
        self._main: Greenlet | None = None
        """The main greenlet while it rests."""

    @classmethod
    def capacity(cls, config: Config) -> int:
        """Every connection may have a request in flight."""
        return int(config.worker_connections)

    # The other primitives of an event library.

    @abstractmethod
    def start(self, body: Callable[[Task], None], task: Task) -> None:
        """Run `body` with it at once, in a new greenlet under the hub."""

    @abstractmethod
    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back in the hub whenever the descriptor is readable."""

    @abstractmethod
    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """Call back in the hub once; answers a function that cancels it."""

    @abstractmethod
    def wait_for(self, fd: int, event: int, seconds: float) -> bool:
        """Block the greenlet until `select.POLLIN` or `POLLOUT`; false when it did not come."""

    # The life of the worker.

    def run(self) -> None:
        """Serve in the hub, look after it in the main greenlet."""
        self.watch(self._reactor.fileno(), self._turn)
        self.watch(self.wakeup, self._on_wakeup)
        self._reactor.start_accepting()
        while self.alive:
            self._rest(self._reactor.pause())

    def drain(self, deadline: float) -> None:
        """Let the greenlets finish what is open."""
        self._reactor.begin_drain()
        while self._reactor.is_draining(deadline):
            self._rest(min(_DRAIN_PAUSE, self._reactor.pause()))

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """As `Worker.begin`; who runs what is remembered, for cancelling and for the report."""
        request_slot = self._running[self.current()] = super().begin(label, request_id)
        if self._limit and len(self._running) == 1:
            self._end_rest()  # which may have been planned without a request to cancel
        return request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        """As `Worker.end`."""
        self._running.pop(self.current(), None)
        super().end(request_slot, status_class, sent)

    def format_tasks(self) -> str:
        """The stacks of the greenlets that run requests."""
        now = self.clock()
        parts = []
        for greenlet, request_slot in list(self._running.items()):
            frame = greenlet.gr_frame  # None: it is the one that runs, faulthandler shows it
            stack = "".join(traceback.format_stack(frame)) if frame is not None else "  (running)\n"
            parts.append(
                f"Greenlet of {request_slot.label} ({now - request_slot.began:.1f} s):\n{stack}"
            )
        return "\n".join(parts)

    # In the hub.

    def _turn(self) -> None:
        try:
            self._is_turning = True
            self._reactor.turn(0.0)
            self._is_turning = False
            if self.has_worked and self.idle_listeners:
                self._dispatch(None)
        except BaseException as error:
            self.fail(error)

    def _on_wakeup(self) -> None:
        self.process_signals()
        self._end_rest()

    def _sweep(self) -> None:
        self._reactor.sweep(self.clock())

    def _dispatch(self, task: Task) -> None:
        if self._spare:
            self._spare.pop().switch(task)
        else:
            self.start(self._member, task)

    # In a greenlet of the pool.

    def _member(self, task: Task) -> None:
        """Run exchanges, one after another, for as long as the pool keeps the greenlet."""
        transport = _GreenTransport(self)
        current = self.current()
        try:
            while True:
                if task is not None:
                    self._reactor.exchange(task, transport)
                if not self._is_turning:
                    self.idle()
                if len(self._spare) >= _SPARE:
                    return
                self._spare.append(current)
                task = self.leave()  # type: ignore[assignment]  # what _dispatch switches with
        except BaseException as error:
            self.fail(error)

    # In the main greenlet.

    def _rest(self, seconds: float) -> None:
        """Let the others run, for that long or until something has to be done."""
        if self._limit and self._running:
            oldest = min(request_slot.began for request_slot in self._running.values())
            seconds = min(seconds, max(0.0, oldest + self._limit - self.clock()))
        cancel = self.call_later(seconds, self._end_rest) if seconds < math.inf else None
        self._main = self.current()
        self.leave()
        if cancel is not None:
            cancel()
        now = self.notify()
        if now >= self._reactor.next_sweep:
            self.call_later(0.0, self._sweep)
        if self._limit:
            self._cancel_overdue(now)

    def _end_rest(self) -> None:
        """Wake the main greenlet if it rests."""
        main, self._main = self._main, None
        if main is not None:
            self.call_later(0.0, main.switch)

    def _cancel_overdue(self, now: float) -> None:
        for greenlet, request_slot in list(self._running.items()):
            if now - request_slot.began >= self._limit:
                del self._running[greenlet]
                error = RequestCancelled(f"request_timeout: cancelled after {self._limit:g} s")
                self.call_later(0.0, partial(greenlet.throw, error))


class _GreenTransport(SocketTransport):
    """The transport that waits, where waiting lets other greenlets run."""

    __slots__ = ("_worker",)

    def __init__(self, worker: GreenWorker) -> None:
        config = worker.config
        super().__init__(config.body_timeout, config.write_timeout, _nothing)
        self._worker = worker

    def _poll(self, event: int, seconds: float) -> bool:
        return self._worker.wait_for(self.fd, event, seconds)


def _nothing() -> None:
    """A greenlet that waits for its client says nothing of the worker's life."""
