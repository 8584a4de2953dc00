"""The tornado worker: the reactor inside tornado's IOLoop.

A WSGI application is served as the epoll worker serves it, through the protocol seam, with the
whole reactor as one descriptor of the loop: tornado's work is paid once a batch of events, not
once an event.  It runs in the loop, so what it schedules there (`IOLoop.current().add_callback`)
runs; what it waits for, everybody waits for.

A `tornado.web.Application` is served by tornado's own HTTPServer (`hookserve_tornado.native`).
"""

from __future__ import annotations

import asyncio
import math
from asyncio.events import _set_running_loop
from collections.abc import Callable

from tornado.web import Application

from hookserve.errors import BootError
from hookserve.protocol.wrappers import protocol_wrappers
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import LoopTransport
from hookserve.types import WSGIApplication
from hookserve.worker.base import Worker
from hookserve.worker.context import WorkerContext

_DRAIN_PAUSE = 0.05


class TornadoWorker(Worker):
    """Serves on an IOLoop."""

    buffered = True

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._loop = asyncio.new_event_loop()
        # Applications may ask for IOLoop.current() while they are imported.
        asyncio.set_event_loop(self._loop)
        self._reactor = Reactor(self, self._serve)
        self._reactor.on_earlier_sweep = self._end_rest
        self._transport = LoopTransport(self.spool)
        self._rest: asyncio.Future[None] | None = None
        self._begin_drain = self._reactor.begin_drain
        self._is_draining: Callable[[float], bool] = self._reactor.is_draining

    def wrap(self, app: WSGIApplication) -> WSGIApplication:
        """As `Worker.wrap`; middleware for WSGI cannot go around a tornado application."""
        found: object = app
        if not isinstance(found, Application):
            return super().wrap(app)
        if protocol_wrappers(self):
            raise BootError(
                "a tornado application takes its sockets as they are, without TLS or the PROXY"
                " protocol (leave certfile and proxy_protocol to a proxy in front, or serve WSGI)"
            )
        return app

    def run(self) -> None:
        """Serve on the loop."""
        self._loop.run_until_complete(self._run())

    def drain(self, deadline: float) -> None:
        """Finish what is open, on the loop."""
        self._loop.run_until_complete(self._drain(deadline))

    async def _run(self) -> None:
        self._loop.add_reader(self.wakeup, self._on_wakeup)
        app: object = self.app
        if isinstance(app, Application):
            from hookserve_tornado.native import NativeServer

            native = NativeServer(self, app)
            self._begin_drain, self._is_draining = native.begin_drain, native.is_draining
            native.start()
        else:
            self._loop.add_reader(self._reactor.fileno(), self._turn)
            self._reactor.start_accepting()
        while self.alive:
            await self._look_after(self._reactor.pause())

    async def _drain(self, deadline: float) -> None:
        self._begin_drain()
        while self._is_draining(deadline):
            await self._look_after(min(_DRAIN_PAUSE, self._reactor.pause()))

    async def _look_after(self, pause: float) -> None:
        """Rest for that long, or until something has to be done; then do it."""
        self._rest = self._loop.create_future()
        timer = self._loop.call_later(pause, self._end_rest) if pause < math.inf else None
        await self._rest
        if timer is not None:
            timer.cancel()
        now = self.notify()
        if now >= self._reactor.next_sweep:
            self._work_apart(self._reactor.sweep, now)

    def _end_rest(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.set_result(None)

    def _on_wakeup(self) -> None:
        self.process_signals()
        self._end_rest()

    def _turn(self) -> None:
        try:
            self._work_apart(self._reactor.turn, 0.0)
            self.idle()  # it is the loop that waits now, not the next turn
        except BaseException as error:
            self.fail(error)

    def _work_apart(self, work: Callable[[float], None], moment: float) -> None:
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

    def _serve(self, accepted: Accepted) -> None:
        self._reactor.exchange(accepted, self._transport)
