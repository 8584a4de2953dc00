"""The tornado worker: the reactor inside tornado's IOLoop.

A WSGI application is served as the epoll worker serves it, through the protocol seam, with the
whole reactor as one descriptor of the loop: tornado's work is paid once a batch of events, not
once an event.  It runs in the loop, so what it schedules there (`IOLoop.current().add_callback`)
runs; while it waits for something, the whole loop waits.

A `tornado.web.Application` is served by tornado's own HTTPServer (`hookserve_tornado.native`).
"""

from __future__ import annotations

import asyncio
import math
from asyncio.events import _set_running_loop
from collections.abc import Callable
from typing import TYPE_CHECKING

from tornado.web import Application

from hookserve.errors import BootError
from hookserve.protocol.wrappers import protocol_wrappers
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.transport import LoopTransport
from hookserve.reactor.worker import ReactorWorker
from hookserve.types import WSGIApplication
from hookserve.worker.context import WorkerContext

if TYPE_CHECKING:
    from hookserve_tornado.native import NativeServer


class TornadoWorker(ReactorWorker):
    """Serves on an IOLoop."""

    buffered = True
    drain_interval = 0.05

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._loop = asyncio.new_event_loop()
        # Applications may ask for IOLoop.current() while they are imported.
        asyncio.set_event_loop(self._loop)
        self._transport = LoopTransport(
            self.spool, write_timeout=self.config.write_timeout, progress=self.notify
        )
        self._native: NativeServer | None = None

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        """As `Worker.wrap`; around a tornado application goes what is for the interface tornado."""
        found: object = app
        if not isinstance(found, Application):
            return super().wrap(app)
        if protocol_wrappers(self):
            raise BootError(
                "a tornado application takes its sockets as they are, without TLS or the PROXY"
                " protocol (leave certfile and proxy_protocol to a proxy in front, or serve WSGI)"
            )
        served, self.interface = self.interface, "tornado"
        try:
            return super().wrap(app)
        finally:
            self.interface = served

    # The main loop.

    def start(self) -> None:
        """Watch the reactor in the loop, or have tornado accept."""
        self._loop.add_reader(self.wakeup, self._on_wakeup)
        app: object = self.app
        if isinstance(app, Application):
            self._loop.run_until_complete(self._start_native(app))
        else:
            self._loop.add_reader(self.reactor.fileno(), self._turn)
            self.reactor.start_accepting()

    async def _start_native(self, app: Application) -> None:
        from hookserve_tornado.native import NativeServer

        self._native = NativeServer(self, app)
        self._native.start()

    def step(self, seconds: float) -> None:
        """Run the loop for that long, or until something has to be done; then do it."""
        timer = self._loop.call_later(seconds, self._loop.stop) if seconds < math.inf else None
        self._loop.run_forever()
        if timer is not None:
            timer.cancel()
        now = self.notify()
        if now >= self.reactor.next_sweep:
            self.reactor.sweep(now)

    def on_earlier_sweep(self) -> None:
        """End the step."""
        self._loop.stop()

    def begin_drain(self) -> None:
        """As `ReactorWorker.begin_drain`, for either kind of application."""
        if self._native is not None:
            self._loop.run_until_complete(self._native.begin_drain())
        else:
            super().begin_drain()

    def is_draining(self, deadline: float) -> bool:
        """As `ReactorWorker.is_draining`, for either kind of application."""
        if self._native is not None:
            return self._native.is_draining(deadline)
        return super().is_draining(deadline)

    # In the loop.

    def _on_wakeup(self) -> None:
        self.process_signals()
        self._loop.stop()

    def _turn(self) -> None:
        try:
            self._run_outside_loop(self.reactor.turn, 0.0)
            self.idle()  # it is the loop that waits now, not the next turn
        except BaseException as error:
            self.fail(error)

    def _run_outside_loop(self, work: Callable[[float], None], moment: float) -> None:
        """Let the reactor serve where no loop is found running.

        A WSGI application is synchronous code: Django, for one, refuses its database where it finds
        a running loop.  IOLoop.current() finds the loop all the same.  Once a batch, for each of
        the two calls asks for the process id (getpid(2)).
        """
        _set_running_loop(None)
        try:
            work(moment)
        finally:
            _set_running_loop(self._loop)

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once."""
        self.reactor.exchange(accepted, self._transport)
