"""The asyncio worker: the reactor as one descriptor of an event loop.

Everything runs in the main thread.  What the loop costs is paid once a batch of events and not once
an event; a request that never waits runs to its end within the turn of the reactor that read it.
"""

from __future__ import annotations

import asyncio
import math

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.transport import LoopTransport
from hookserve.reactor.worker import ReactorWorker
from hookserve.worker.context import WorkerContext
from hookserve_asyncio.coroutines import CoroutineStarter
from hookserve_asyncio.loops import make_loop

_CANCEL_TIME = 1.0
"""How long what was cancelled may take to end, in seconds."""


class AsyncioWorker(ReactorWorker):
    """Serves on an event loop."""

    drain_interval = 0.05

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self.loop = make_loop(self.config.loop)
        # Applications may ask for the loop while they are imported.
        asyncio.set_event_loop(self.loop)
        self._starter = CoroutineStarter(self.loop)
        self.start_coroutine = self._starter.start
        """As `hookserve.worker.coroutines.RunsCoroutines`."""
        self._transports: list[LoopTransport] = []
        """Those that no exchange uses: one may run within another."""

    # The main loop.

    def start(self) -> None:
        """Watch the reactor in the loop."""
        self.loop.add_reader(self.wakeup, self._on_wakeup)
        self.loop.add_reader(self.reactor.fileno(), self._turn)
        self.reactor.start_accepting()

    def step(self, seconds: float) -> None:
        """Run the loop for that long, or until something has to be done; then do it."""
        timer = self.loop.call_later(seconds, self.loop.stop) if seconds < math.inf else None
        self.loop.run_forever()
        if timer is not None:
            timer.cancel()
        now = self.notify()
        if now >= self.reactor.next_sweep:
            self.loop.call_soon(self._sweep)

    def is_draining(self, deadline: float) -> bool:
        """As `ReactorWorker.is_draining`; what goes on after its response is waited for as well."""
        is_busy = bool(self._starter.tasks) and self.clock() < deadline
        return super().is_draining(deadline) or is_busy

    def finish(self) -> None:
        """As `Worker.finish`, with what still runs cancelled before, and the loop closed."""
        self.loop.remove_reader(self.wakeup)
        self.loop.remove_reader(self.reactor.fileno())
        self.loop.call_soon(self.loop.stop)
        self.loop.run_forever()  # ends with what was to end the last step, if that is due still
        tasks = list(self._starter.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCEL_TIME))
        super().finish()
        self._starter.close()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def on_earlier_sweep(self) -> None:
        """End the step."""
        self.loop.call_soon_threadsafe(self.loop.stop)

    # In the loop.

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once."""
        try:
            transport = self._transports.pop()
        except IndexError:
            transport = self._make_transport()
        self.reactor.exchange(accepted, transport)
        self._transports.append(transport)

    def _make_transport(self) -> LoopTransport:
        return LoopTransport(
            self.spool, write_timeout=self.config.write_timeout, progress=self.notify
        )

    def _on_wakeup(self) -> None:
        self.process_signals()
        self.loop.stop()

    def _turn(self) -> None:
        try:
            self.reactor.turn(0.0)
            self.idle()  # it is the loop that waits now, not the next turn
        except BaseException as error:
            self.fail(error)

    def _sweep(self) -> None:
        self.reactor.sweep(self.clock())
