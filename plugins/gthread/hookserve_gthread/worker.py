"""The gthread worker: leader/followers, threads that take turns at one poller.

One thread of the pool waits in the kernel for events and processes them, and the next takes over
when that lasts (`hookserve_gthread.leader`).  A worker whose threads are all busy waits for
nothing, so it accepts nothing, and new connections are left to sibling workers.

The main thread runs no application.  It has the signals, the deadlines of waiting connections, and
the heartbeat on behalf of a pool with a thread to spare; when every thread is busy the requests
themselves are the heartbeat, so a pool that is stuck falls silent.
"""

from __future__ import annotations

import threading
import time
from math import inf

from hookserve.config.resolved import Config
from hookserve.errors import BootError
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.worker import ReactorWorker
from hookserve.system.calls import patches_threads, start_thread
from hookserve.types import WSGIApplication
from hookserve.worker.base import WHOLE_BODY
from hookserve.worker.context import WorkerContext
from hookserve_gthread.leader import Leadership


class GthreadWorker(ReactorWorker):
    """Runs `threads` requests at once."""

    awaited_body = WHOLE_BODY
    hands_over = True
    drain_interval = 0.05

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._threads: int = self.config.threads
        self.multithread = self._threads > 1
        self._leadership = Leadership(self.wakeup, self.reactor.fileno())
        self._local = threading.local()

    @classmethod
    def capacity(cls, config: Config) -> int:
        """One request a thread."""
        return int(config.threads)

    # In the main thread.

    def prepare(self, app: WSGIApplication) -> None:
        """As `Worker.prepare`, and start the pool: a worker without its threads is not ready.

        Raises BootError when the system has no further thread.
        """
        super().prepare(app)
        if patches_threads():
            # Has the library import what waiting needs: the locks of imports are its own by now,
            # and threads that met in one might wait for ever.
            time.sleep(0)
        for number in range(self._threads):
            try:
                self._start_thread(number)
            except RuntimeError as error:
                raise BootError(
                    f"cannot start thread {number + 1} of {self._threads}: {error} (lower"
                    " --threads, or raise the limit on processes)"
                ) from error

    def _start_thread(self, number: int) -> None:
        if patches_threads():
            # The main thread waits in the kernel: greenlets beside it would never run.
            start_thread(self._work, ())
        else:
            threading.Thread(target=self._work, name=f"gthread-{number}", daemon=True).start()

    def start(self) -> None:
        """Begin to accept; the pool's leader is woken by the first connection."""
        self.reactor.start_accepting()

    def step(self, seconds: float) -> None:
        """Monitor the leader, and do what is due."""
        self._leadership.monitor(seconds)
        self.wait_for_signals(0.0)
        # Who has taken a connection over may wait for its client, and is not stuck.
        if self.requests_in_flight - len(self.reactor.takeovers) < self._threads:
            self.notify()
        if self.clock() >= self.reactor.next_sweep:
            self.reactor.sweep(self.clock())

    def on_earlier_sweep(self) -> None:
        """Wake the main thread."""
        self.wake()

    # In the threads of the pool.

    def _work(self) -> None:
        """Follow, lead, and process events, for the worker's life."""
        leadership, reactor = self._leadership, self.reactor
        try:
            while True:
                self.idle()  # it may follow for long
                epoch = leadership.acquire()
                while leadership.epoch == epoch:
                    if not leadership.events:
                        leadership.before_wait()
                        self._find_events()
                        leadership.after_wait()
                    reactor.handle_events(leadership.dispatch(epoch))
        except BaseException as error:
            self.fail(error)

    def _find_events(self) -> None:
        for event in self.reactor.wait(inf):
            if event[0] in self.reactor.open:
                self._leadership.events.append(event)
            else:  # perhaps a connection to accept, which the kernel announces to no sibling
                self._leadership.events.appendleft(event)

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once, with the thread's own transport."""
        try:
            transport = self._local.transport
        except AttributeError:
            transport = self._local.transport = self.make_transport()
        self.reactor.exchange(accepted, transport)
