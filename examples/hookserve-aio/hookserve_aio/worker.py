"""The aio worker: the loop waits for all clients, threads run what is ready.

The reactor is one descriptor of the loop, and `Reactor.turn` runs in the loop; each exchange runs
in a thread of a pool, which gives the connection back to the reactor by itself.

A turn accepts, begins requests and is a heartbeat.  So there is none while every thread is busy:
new connections are left to sibling workers, no request queues behind those that run, and a pool
that is stuck falls silent however many clients knock.  The threads wake the loop when there is
room.

All methods run in the loop's thread, the main one, unless they say otherwise.
"""

from __future__ import annotations

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor

from hookserve.config.resolved import Config
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.worker import ReactorWorker
from hookserve.worker.base import WHOLE_BODY
from hookserve.worker.context import WorkerContext


class AsyncioWorker(ReactorWorker):
    """Runs `aio_threads` requests at once."""

    awaited_body = WHOLE_BODY
    batch = 1  # a turn takes one event, or it would begin more than there are threads for
    drain_interval = 0.05

    def __init__(self, context: WorkerContext) -> None:
        self._loop = asyncio.new_event_loop()
        super().__init__(context)
        self._threads: int = self.config.aio_threads
        self.multithread = self._threads > 1
        self._is_watched = False
        """Whether the loop waits for the reactor's descriptor."""
        self._busy = 0
        """Exchanges that were given to the pool and are not over."""
        self._lock = threading.Lock()
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(self._threads, "aio", self._equip)

    @classmethod
    def capacity(cls, config: Config) -> int:
        """One request a thread."""
        return int(config.aio_threads)

    # The main loop.

    def start(self) -> None:
        """Have the loop watch the reactor."""
        self._loop.add_reader(self.wakeup, self._on_wakeup)
        self.reactor.start_accepting()
        self._turn()

    def step(self, seconds: float) -> None:
        """Run the loop for that long, or until something has to be done; then do it."""
        timer = self._loop.call_later(seconds, self._loop.stop) if seconds < math.inf else None
        self._loop.run_forever()
        if timer is not None:
            timer.cancel()
        if self._has_room():
            self.notify()
        if self.clock() >= self.reactor.next_sweep:
            self.reactor.sweep(self.clock())

    def on_earlier_sweep(self) -> None:
        """End the step; from any thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _on_wakeup(self) -> None:
        self.process_signals()
        self._loop.stop()

    def _turn(self) -> None:
        """Handle one event, and wait for the next one if there is a thread for it then."""
        try:
            if self._has_room():
                self.reactor.turn(0.0)
            self._watch(self._has_room())
        except BaseException as error:  # the loop would only log it
            self.fail(error)

    def _watch(self, wanted: bool) -> None:
        if wanted and not self._is_watched:
            self._loop.add_reader(self.reactor.fileno(), self._turn)
        elif self._is_watched and not wanted:
            self._loop.remove_reader(self.reactor.fileno())
        self._is_watched = wanted

    # In any thread.

    def _has_room(self) -> bool:
        return self._busy < self._threads

    def serve(self, accepted: Accepted) -> None:
        """Hand the connection to the pool."""
        with self._lock:
            self._busy += 1
        self._pool.submit(self._exchange, accepted)

    # In a thread of the pool.

    def _equip(self) -> None:
        self._local.transport = self.make_transport()

    def _exchange(self, accepted: Accepted) -> None:
        try:
            self.reactor.exchange(accepted, self._local.transport)
            self.idle()
        except BaseException as error:  # no caller looks at the future
            self.fail(error)
        finally:
            with self._lock:
                self._busy -= 1
                has_room_again = self._busy == self._threads - 1
            if has_room_again:
                self._loop.call_soon_threadsafe(self._turn)
