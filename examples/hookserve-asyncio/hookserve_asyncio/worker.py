"""The asyncio worker: the loop waits for everybody, threads run what is ready.

The reactor is one descriptor of the loop, and `Reactor.turn` runs in the loop; each exchange runs
in a thread of a pool, which gives the connection back to the reactor by itself.

A turn accepts, begins requests and is a heartbeat.  So there is none while every thread is busy:
who comes is left to other workers, no request queues behind those that run, and a pool that is
stuck falls silent however many clients knock.  The threads wake the loop when there is room.

All methods run in the loop's thread, the main one, unless they say otherwise.
"""

from __future__ import annotations

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor

from hookserve.config.resolved import Config
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SpoolingTransport
from hookserve.worker.base import Worker
from hookserve.worker.context import WorkerContext

_DRAIN_PAUSE = 0.05


class AsyncioWorker(Worker):
    """Runs `asyncio_threads` requests at once."""

    awaited_body = 65536

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._threads: int = self.config.asyncio_threads
        self.multithread = self._threads > 1
        self._loop = asyncio.new_event_loop()
        # A turn takes one event, or it would begin more than there are threads for.
        self._reactor = Reactor(self, self._serve, batch=1)
        self._reactor.on_earlier_sweep = self._end_rest
        self._is_watched = False
        """Whether the loop waits for the reactor's descriptor."""
        self._busy = 0
        """Exchanges that were given to the pool and are not over."""
        self._lock = threading.Lock()
        self._rested = asyncio.Event()
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(self._threads, "asyncio", self._equip)

    @classmethod
    def capacity(cls, config: Config) -> int:
        """One request a thread."""
        return int(config.asyncio_threads)

    def run(self) -> None:
        """Serve on the loop."""
        self._loop.run_until_complete(self._run())

    def drain(self, deadline: float) -> None:
        """Finish what is open, on the loop."""
        self._loop.run_until_complete(self._drain(deadline))

    async def _run(self) -> None:
        self._loop.add_reader(self.wakeup, self._on_wakeup)
        self._reactor.start_accepting()
        self._turn()
        while self.alive:
            await self._look_after(self._reactor.pause())

    async def _drain(self, deadline: float) -> None:
        self._reactor.begin_drain()
        while self._reactor.is_draining(deadline):
            await self._look_after(min(_DRAIN_PAUSE, self._reactor.pause()))

    async def _look_after(self, pause: float) -> None:
        """Rest for that long, or until something has to be done; then do it."""
        try:
            async with asyncio.timeout(pause if pause < math.inf else None):
                await self._rested.wait()
        except TimeoutError:
            pass
        self._rested.clear()
        if self._has_room():
            self.notify()
        if self.clock() >= self._reactor.next_sweep:
            self._reactor.sweep(self.clock())

    def _on_wakeup(self) -> None:
        self.process_signals()
        self._rested.set()

    def _turn(self) -> None:
        """Take up one event, and wait for the next one if there is a thread for it then."""
        try:
            if self._has_room():
                self._reactor.turn(0.0)
            self._watch(self._has_room())
        except BaseException as error:  # the loop would only log it
            self.fail(error)

    def _watch(self, wanted: bool) -> None:
        if wanted and not self._is_watched:
            self._loop.add_reader(self._reactor.fileno(), self._turn)
        elif self._is_watched and not wanted:
            self._loop.remove_reader(self._reactor.fileno())
        self._is_watched = wanted

    # In any thread.

    def _has_room(self) -> bool:
        return self._busy < self._threads

    def _end_rest(self) -> None:
        self._loop.call_soon_threadsafe(self._rested.set)

    def _serve(self, accepted: Accepted) -> None:
        with self._lock:
            self._busy += 1
        self._pool.submit(self._exchange, accepted)

    # In a thread of the pool.

    def _equip(self) -> None:
        self._local.transport = SpoolingTransport(
            self.config.body_timeout, self.config.write_timeout, self.notify, self.spool
        )

    def _exchange(self, accepted: Accepted) -> None:
        try:
            self._reactor.exchange(accepted, self._local.transport)
            self.idle()
        except BaseException as error:  # the future that nobody looks at would keep it
            self.fail(error)
        finally:
            with self._lock:
                self._busy -= 1
                has_room_again = self._busy == self._threads - 1
            if has_room_again:
                self._loop.call_soon_threadsafe(self._turn)
