"""The gthread worker: threads that take turns at one poller.

One thread of the pool waits in the kernel for events and deals with them, and the next takes over
when that lasts (`hookserve_gthread.lead`).  A worker whose threads are all busy waits for nothing,
so it accepts nothing, and who comes is left to other workers.

The main thread runs no application.  It has the signals, the deadlines of who is parked, and the
heartbeat on behalf of a pool with a thread to spare; when every thread is busy the requests
themselves are the sign of life, so a pool that is stuck falls silent.
"""

from __future__ import annotations

import threading
from math import inf

from hookserve.config.resolved import Config
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SpoolingTransport
from hookserve.worker.base import Worker
from hookserve.worker.context import WorkerContext
from hookserve_gthread.lead import Lead

_DRAIN_PAUSE = 0.05


class GthreadWorker(Worker):
    """Runs `threads` requests at once."""

    awaited_body = 65536

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._threads: int = self.config.threads
        self.multithread = self._threads > 1
        self._reactor = Reactor(self, self._serve)
        self._reactor.on_earlier_sweep = self.wake
        self._lead = Lead(self.wakeup, self._reactor.fileno())
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
        lead, reactor = self._lead, self._reactor
        try:
            while True:
                self.idle()  # it may wait for the lead for long
                term = lead.take()
                while lead.term == term:
                    if not lead.events:
                        lead.rest()
                        self._find_events()
                        lead.serve()
                    reactor.deal_with(lead.hand_out(term))
        except BaseException as error:
            self.fail(error)

    def _find_events(self) -> None:
        for event in self._reactor.wait(inf):
            if event[0] in self._reactor.open:
                self._lead.events.append(event)
            else:  # perhaps somebody to accept, whom the kernel tells nobody else about
                self._lead.events.appendleft(event)

    def _look_after(self, pause: float) -> None:
        self._lead.watch(pause)
        self.wait_for_signals(0.0)
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
