"""The gthread worker: threads that share one poller.

Each thread of the pool waits in the kernel for one event, deals with it to its end and waits
again: no queue, no hand-over, no thread that only distributes.  A worker whose threads are all
busy waits for nothing, so it accepts nothing, and who comes is left to other workers.

The main thread runs no application.  It has the signals, the deadlines of who is parked, and the
heartbeat on behalf of a pool with a thread to spare; when every thread is busy the requests
themselves are the sign of life, so a pool that is stuck falls silent.
"""

from __future__ import annotations

import threading

from hookserve.config import Config
from hookserve.context import WorkerContext
from hookserve.net.transport import SpoolingTransport
from hookserve.reactor import Accepted, Reactor
from hookserve.worker import Worker

_DRAIN_PAUSE = 0.05


class GthreadWorker(Worker):
    """Runs `threads` requests at once."""

    awaited_body = 65536

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._threads: int = self.config.threads
        self.multithread = self._threads > 1
        self._reactor = Reactor(self, self._serve, batch=1)
        self._reactor.on_earlier_sweep = self.wake
        self._local = threading.local()

    @classmethod
    def capacity(cls, config: Config) -> int:
        """One request a thread."""
        return int(config.threads)

    def run(self) -> None:
        """Start the pool and look after it."""
        for number in range(self._threads):
            name = f"gthread-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._reactor.start_accepting()
        while self.alive:
            self._look_after(self._reactor.pause())

    def drain(self, deadline: float) -> None:
        """Let the pool finish what is open."""
        self._reactor.begin_drain()
        while self._reactor.is_draining(deadline):
            self._look_after(min(_DRAIN_PAUSE, self._reactor.pause()))

    def _work(self) -> None:
        """One thread of the pool."""
        try:
            while True:
                self._reactor.turn(float("inf"))
        except BaseException as error:
            self.fail(error)

    def _look_after(self, pause: float) -> None:
        self.wait_for_signals(pause)
        if self.requests_in_flight < self._threads:
            self.notify()
        if self.clock() >= self._reactor.next_sweep:
            self._reactor.sweep(self.clock())

    def _serve(self, accepted: Accepted) -> None:
        try:
            transport = self._local.transport
        except AttributeError:
            transport = self._local.transport = SpoolingTransport(
                self.config.body_timeout, self.config.write_timeout, self.notify, self.spool
            )
        self._reactor.exchange(accepted, transport)
