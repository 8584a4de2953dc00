"""The asyncio worker: the reactor as one descriptor of an event loop.

Coroutines run in the main thread.  What the loop costs is paid once a batch of events and not once
an event; a request that never waits runs to its end within the turn of the reactor that read it.

Applications of WSGI run in threads (`hookserve_asyncio.threads`), with the same loop around them.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from hookserve.config.resolved import Config
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.coroutines import AnyCoroutine, CoroutineStarter
from hookserve.reactor.held import HoldingTransport
from hookserve.reactor.lag import LagMonitor
from hookserve.reactor.loop_watch import LAG_OPTION, LAG_SETTING, lag_cell
from hookserve.reactor.stacks import format_task
from hookserve.reactor.worker import ReactorWorker
from hookserve.types import WSGIApplication
from hookserve.worker.base import WHOLE_BODY
from hookserve.worker.context import WorkerContext
from hookserve_asyncio.loops import make_loop
from hookserve_asyncio.threads import ThreadPool

if TYPE_CHECKING:
    from hookserve.worker.request_slots import RequestSlot

_CANCEL_TIME = 1.0
"""How long what was cancelled may take to end, in seconds."""
_BLOCKING = ("wsgi",)
"""The interfaces of applications that run in threads."""


class AsyncioWorker(ReactorWorker):
    """Serves on an event loop."""

    hands_over = True
    drain_interval = 0.05

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self.loop = self.make_loop()
        # Applications may ask for the loop while they are imported.
        asyncio.set_event_loop(self.loop)
        self._starter = CoroutineStarter(self.loop)
        self.start_coroutine = self._starter.start
        """As `hookserve.worker.coroutines.RunsCoroutines`."""
        self._task_requests: WeakKeyDictionary[asyncio.Task[object], RequestSlot] | None = None
        """With `slow_request`: the request that each task runs."""
        if self.config.slow_request:
            self._task_requests = WeakKeyDictionary()
            self._begun: RequestSlot | None = None
            self.begin = self._begin_noting_request  # type: ignore[method-assign]  # at boot
            self.start_coroutine = self._start_noting_request
        self._transports: list[HoldingTransport] = []
        """Those that no exchange uses: one may run within another."""
        self._is_idle_due = False
        """Whether what waits for the worker to be idle is called before the loop waits."""
        self._pool: ThreadPool | None = None
        """For an application that blocks."""
        limit: float = self.config.get(LAG_SETTING, 0.0)
        watched = self.loop, limit, self._has_requests, self.log, LAG_OPTION
        self.lag = LagMonitor(*watched) if limit else None
        """What watches the loop."""
        self.turn_reactor = self.reactor.turn_holding
        """Handles what the reactor has to do; called with the seconds that it may wait."""
        self._after_turn = self._call_idle  # it is the loop that waits now, not the next turn

    @classmethod
    def capacity(cls, config: Config) -> int:
        """Every connection may have a request in flight."""
        return int(config.worker_connections)

    def prepare(self, app: WSGIApplication) -> None:
        """As `Worker.prepare`, and start the threads that are needed."""
        if self.interface in _BLOCKING:
            self.prepare_blocking()
        super().prepare(app)
        if self._pool is not None:
            self._pool.start()
        elif self.lag is not None:
            self.lag.start(lag_cell(self.context))

    # What a model on another loop overrides.

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop, which is not running; raises BootError."""
        return make_loop(self.config.loop)

    def prepare_blocking(self) -> None:
        """The application is synchronous code: it runs in threads."""
        threads = int(self.config.get("threads", 1))
        self.awaited_body = WHOLE_BODY
        self.multithread = threads > 1
        self._pool = ThreadPool(self, threads, self._on_room)
        self.reactor.serve_by(self._pool.serve)
        self.turn_reactor = self.reactor.turn
        self._after_turn = self._wait_for_room

    # The main loop.

    def start(self) -> None:
        """Watch the reactor in the loop."""
        self.loop.add_reader(self.wakeup, self._on_wakeup)
        self.loop.add_reader(self.reactor.fileno(), self._turn)
        self.reactor.start_accepting()

    def step(self, seconds: float) -> None:
        """Run the loop for that long, or until something has to be done; then do it."""
        timer = self.loop.call_later(seconds, self.loop.stop) if seconds < math.inf else None
        try:
            self.loop.run_forever()
        except (SystemExit, KeyboardInterrupt) as error:
            # It ends the task that has raised it, as it ends a request in the other models.
            self.log.warning("a task of the application has raised %r", error)
        if timer is not None:
            timer.cancel()
        # Threads that are all busy give no sign of life but the requests that they begin.  One that
        # has taken its connection over may wait for the client.
        is_busy = self._pool is not None and self._pool.is_busy
        is_stuck = is_busy and not self.reactor.takeovers
        now = self.clock() if is_stuck else self.notify()
        if now >= self.reactor.next_sweep:
            self.loop.call_soon(self._sweep)

    def is_draining(self, deadline: float) -> bool:
        """As `ReactorWorker.is_draining`; what goes on after its response is waited for as well."""
        is_busy = bool(self._starter.tasks) and self.clock() < deadline
        return super().is_draining(deadline) or is_busy

    def end_exchanges(self) -> None:
        """As `ReactorWorker.end_exchanges`; what still runs is cancelled, and may respond."""
        self.loop.remove_reader(self.wakeup)
        self.loop.remove_reader(self.reactor.fileno())
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()  # ends with what was to end the last step, if that is due still
        tasks = list(self._starter.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            # The lifespan ends afterwards.
            limit = min(_CANCEL_TIME, max(0.0, self.ends_by - self.clock()) / 2)
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=limit))
        super().end_exchanges()

    def finish(self) -> None:
        """As `Worker.finish`, and close the loop."""
        super().finish()
        self._starter.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def on_earlier_sweep(self) -> None:
        """End the step."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    def format_tasks(self) -> str:
        """The stacks of the tasks that run requests; that of a task at work is the thread's."""
        return "\n".join(map(format_task, list(self._starter.tasks)))

    def stack_of(self, request_slot: RequestSlot) -> str | None:
        """As `Worker.stack_of`: of a task that waits; the one at work has the thread's."""
        for task, each in list((self._task_requests or {}).items()):
            if each is request_slot and task in self._starter.tasks:
                return None if task is asyncio.current_task(self.loop) else format_task(task)
        return None

    def _begin_noting_request(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        request_slot = self._begun = super().begin(label, request_id)
        return request_slot

    def _start_noting_request(self, coroutine: AnyCoroutine) -> asyncio.Task[object] | None:
        """As `start_coroutine`: a protocol starts the coroutine of the request that it has just
        begun."""
        request_slot, self._begun = self._begun, None
        task = self._starter.start(coroutine)
        if task is not None and request_slot is not None and self._task_requests is not None:
            self._task_requests[task] = request_slot
        return task

    def _has_requests(self) -> bool:
        return bool(self.requests_in_flight or self._starter.tasks)

    # In the loop.

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once; one that blocks is the pool's."""
        try:
            transport = self._transports.pop()
        except IndexError:
            transport = self.make_loop_transport()
        self.reactor.exchange_holding(accepted, transport)
        self._transports.append(transport)
        if self.has_worked and not self._is_idle_due:  # a task has ended the request
            self._is_idle_due = True
            self.loop.call_soon(self._call_idle)

    def make_loop_transport(self) -> HoldingTransport:
        """A transport for exchanges that run in the loop: one for each that runs at a time."""
        return HoldingTransport(self.spool, self.config.write_timeout, self.notify)

    def _call_idle(self) -> None:
        self._is_idle_due = False
        self.idle()

    def _on_wakeup(self) -> None:
        self.process_signals()
        self.loop.stop()

    def _turn(self) -> None:
        try:
            if self.lag is not None:
                self.lag.wake()
            self._is_idle_due = True
            self.turn_reactor(0.0)
            self._after_turn()
        except BaseException as error:
            self.fail(error)

    def _wait_for_room(self) -> None:
        """While every thread is busy, no client is polled for."""
        assert self._pool is not None
        if self._pool.awaits_room():
            self.loop.remove_reader(self.reactor.fileno())

    def _on_room(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.add_reader, self.reactor.fileno(), self._turn)

    def _sweep(self) -> None:
        self.reactor.sweep(self.clock())
