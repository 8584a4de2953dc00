"""The base class of models with greenlets: a pool of greenlets around the reactor.

The reactor's descriptor is watched by the event library's hub; `Reactor.turn` runs in the hub and
hands each connection that is ready to a greenlet, which runs the exchange and may block as it
likes.  A connection that waits for its client has no greenlet: an idle one costs what it costs in
the epoll worker.  A greenlet that is done waits in the pool for the next exchange, as threads do,
so starting a request is one switch.

A model supplies the primitives of its library.  Nothing here imports one.

Code that runs in the hub must not block.  The main greenlet runs the main loop: the heartbeat,
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
from hookserve.reactor.loop_watch import LAG_OPTION, LAG_SETTING, HubMonitor, lag_cell
from hookserve.reactor.transport import SocketTransport
from hookserve.reactor.worker import ReactorWorker
from hookserve.worker.context import WorkerContext
from hookserve.worker.request_slots import RequestSlot

_MOST_IDLE = 256
"""Idle greenlets that are kept for the next requests."""


Task = Accepted | None
"""What a greenlet of the pool is given: a connection that is ready; `None` to call the listeners of
worker_idle, which may block, as the hub must not."""


class Greenlet(Protocol):
    """What is needed of a greenlet."""

    gr_frame: FrameType | None
    """Where it was suspended; `None` while it runs."""

    def switch(self, *values: object) -> object:
        """Go on in that greenlet."""

    def throw(self, *error: object) -> object:
        """Raise in that greenlet."""


class GreenWorker(ReactorWorker):
    """Runs each request in a greenlet of its own."""

    multithread = True
    awaited_body = 65536
    hands_over = True
    drain_interval = 0.05

    # The two primitives of an event library that each request needs are plain attributes.
    current: Callable[[], Greenlet]
    """The greenlet that runs."""
    switch_to_hub: Callable[[], object]
    """Go to the hub; returns what the greenlet is switched to with."""

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._idle_greenlets: list[Greenlet] = []
        self._running: dict[Greenlet, RequestSlot] = {}
        self._limit: float = self.config.request_timeout
        self._is_turning = False
        """Whether a turn handles events, after which the worker is idle."""
        self._forking_greenlet: Greenlet | None = None
        """In a child that the application has forked: the greenlet that forked it."""
        self._main: Greenlet | None = None
        """The main greenlet while it sleeps."""
        limit: float = self.config.get(LAG_SETTING, 0.0)
        self.lag: HubMonitor | None = None
        """What watches the hub."""
        if limit:
            watched = limit, self._has_requests, LAG_OPTION, self._wake_main
            self.lag = HubMonitor(*watched)

    @classmethod
    def capacity(cls, config: Config) -> int:
        """Every connection may have a request in flight."""
        return int(config.worker_connections)

    # The other primitives of an event library.

    @abstractmethod
    def spawn(self, body: Callable[[Task], None], task: Task) -> None:
        """Run `body` with it at once, in a new greenlet under the hub."""

    @abstractmethod
    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Call back in the hub whenever the descriptor is readable."""

    @abstractmethod
    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """Call back in the hub once; returns a function that cancels it."""

    @abstractmethod
    def wait_for(self, fd: int, event: int, seconds: float) -> bool:
        """Block the greenlet until `select.POLLIN` or `POLLOUT`; false when it did not come."""

    def after_fork(self) -> None:
        """As `ReactorWorker.after_fork`; the child has all greenlets, and goes on with one."""
        self._forking_greenlet = self.current()
        self._limit = 0.0
        if self.lag is not None:
            self.lag.after_fork()
        super().after_fork()

    def on_send_in_child(self, *arguments: object) -> None:
        """As `ReactorWorker.on_send_in_child`; another greenlet's exchange is the worker's."""
        while self.current() is not self._forking_greenlet:
            self.switch_to_hub()
        super().on_send_in_child(*arguments)

    # The main loop, in the main greenlet.

    def start(self) -> None:
        """Let the hub take the reactor's turns."""
        self.watch(self.reactor.fileno(), self._turn)
        self.watch(self.wakeup, self._on_wakeup)
        if self.lag is not None:
            self.watch(self.lag.fileno(), self.lag.on_readable)
            self.lag.start(lag_cell(self.context))
        self.reactor.start_accepting()

    def step(self, seconds: float) -> None:
        """Sleep while the hub and the other greenlets run, then do what is due."""
        self._sleep(seconds)
        now = self.notify()
        if now >= self.reactor.next_sweep:
            self.call_later(0.0, self._sweep)
        if self._limit:
            self._cancel_overdue(now)
        if self.lag is not None:
            self.lag.log_messages(self.log)

    def on_earlier_sweep(self) -> None:
        """Wake the main greenlet."""
        self._wake_main()

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """As `Worker.begin`; notes which greenlet runs it, for cancelling and for the report."""
        request_slot = self._running[self.current()] = super().begin(label, request_id)
        if self._limit and len(self._running) == 1:
            self._wake_main()  # its sleep may have begun without a request to cancel
        return request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        """As `Worker.end`."""
        self._running.pop(self.current(), None)
        super().end(request_slot, status_class, sent)

    def idle(self) -> None:
        """As `Worker.idle`; not in a turn, which is the hub's: a greenlet does it afterwards."""
        if not self._is_turning:
            super().idle()

    def format_tasks(self) -> str:
        """The stacks of the greenlets that run requests."""
        now = self.clock()
        describe = self.context.protocol_classes[self.interface].describe_request
        parts = []
        for greenlet, request_slot in list(self._running.items()):
            label = describe(request_slot.label)
            frame = greenlet.gr_frame  # None: it is the one that runs, faulthandler shows it
            stack = "".join(traceback.format_stack(frame)) if frame is not None else "  (running)\n"
            parts.append(f"Greenlet of {label} ({now - request_slot.began:.1f} s):\n{stack}")
        return "\n".join(parts)

    def stack_of(self, request_slot: RequestSlot) -> FrameType | None:
        """As `Worker.stack_of`; the greenlet that runs has the thread's frames."""
        for greenlet, each in list(self._running.items()):
            if each is request_slot:
                return greenlet.gr_frame
        return None

    def _has_requests(self) -> bool:
        return self.requests_in_flight > 0

    # In the hub.

    def _turn(self) -> None:
        try:
            if self.lag is not None:
                self.lag.wake()
            self._is_turning = True
            self.reactor.turn(0.0)
            self._is_turning = False
            if self.has_worked and self.idle_listeners:
                self.serve(None)
        except BaseException as error:
            self.fail(error)

    def _on_wakeup(self) -> None:
        try:
            self.process_signals()
        except BaseException as error:
            self.fail(error)
        self._wake_main()

    def _sweep(self) -> None:
        try:
            self.reactor.sweep(self.clock())
        except BaseException as error:
            self.fail(error)

    def _cancel(self, greenlet: Greenlet, began: float) -> None:
        """Cancel the request of that moment, unless the greenlet has ended it by now."""
        request_slot = self._running.get(greenlet)
        if request_slot is not None and request_slot.began == began:
            del self._running[greenlet]
            greenlet.throw(RequestCancelled(f"request_timeout: cancelled after {self._limit:g} s"))

    def serve(self, task: Task) -> None:
        """Switch to a greenlet of the pool that runs the exchange, or what else the task is."""
        if self._idle_greenlets:
            self._idle_greenlets.pop().switch(task)
        else:
            self.spawn(self._run_tasks, task)

    # In a greenlet of the pool.

    def _run_tasks(self, task: Task) -> None:
        """Run exchanges, one after another, as long as the pool keeps the greenlet."""
        transport = _GreenTransport(self)
        current = self.current()
        try:
            while True:
                if task is not None:
                    self.reactor.exchange(task, transport)
                    if self.suspends:  # an exchange that goes on elsewhere is not to be cancelled
                        self._running.pop(current, None)
                if not self._is_turning:
                    super().idle()
                if len(self._idle_greenlets) >= _MOST_IDLE:
                    return
                self._idle_greenlets.append(current)
                task = self.switch_to_hub()  # type: ignore[assignment]  # what serve switches with
        except BaseException as error:
            self.fail(error)

    # In the main greenlet, but for `_wake_main`.

    def _sleep(self, seconds: float) -> None:
        """Let the others run, for that long or until something has to be done."""
        if self._limit and self._running:
            oldest = min(request_slot.began for request_slot in self._running.values())
            seconds = min(seconds, max(0.0, oldest + self._limit - self.clock()))
        cancel = self.call_later(seconds, self._wake_main) if seconds < math.inf else None
        self._main = self.current()
        self.switch_to_hub()
        if cancel is not None:
            cancel()

    def _wake_main(self) -> None:
        """Wake the main greenlet if it sleeps."""
        main, self._main = self._main, None
        if main is not None:
            self.call_later(0.0, main.switch)

    def _cancel_overdue(self, now: float) -> None:
        for greenlet, request_slot in self._running.items():
            began = request_slot.began
            if now - began >= self._limit:
                self.call_later(0.0, partial(self._cancel, greenlet, began))


class _GreenTransport(SocketTransport):
    """A transport that waits, and lets other greenlets run meanwhile."""

    __slots__ = ("_worker",)

    def __init__(self, worker: GreenWorker) -> None:
        config = worker.config
        super().__init__(
            config.body_timeout, config.write_timeout, _nothing, body_rate=config.body_rate
        )
        self.hand_over = worker.reactor.takeovers.hand_over
        self._worker = worker

    def _poll(self, event: int, seconds: float) -> bool:
        return self._worker.wait_for(self.fd, event, seconds)


def _nothing() -> None:
    """A greenlet that waits for its client is no sign of the worker's life."""
