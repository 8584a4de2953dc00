"""The tornado worker: the asyncio worker, whose loop is tornado's IOLoop.

An application of tornado's is served by a protocol of its own (`hookserve_tornado.native`), and
runs here as coroutines do.  One of WSGI is served as the epoll worker serves it: its exchanges run
in the loop, so what it schedules there (`IOLoop.current().add_callback`) runs; while it waits for
something, the whole loop waits.
"""

from __future__ import annotations

import asyncio
from asyncio.events import _set_running_loop

from hookserve_asyncio.worker import AsyncioWorker

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.transport import LoopTransport


class TornadoWorker(AsyncioWorker):
    """Serves on an IOLoop."""

    buffered = True
    hands_over = False
    _transport: LoopTransport | None = None
    """Of an application of WSGI, of which one exchange runs at a time."""

    def make_loop(self) -> asyncio.AbstractEventLoop:
        """The standard library's, which IOLoop is made for."""
        return asyncio.new_event_loop()

    def prepare_blocking(self) -> None:
        """An application of WSGI runs in the loop, one request at a time."""
        self.turn_reactor = self._turn_outside_loop
        # No `HoldingTransport`: what responds at once holds nothing.
        self._transport = LoopTransport(
            self.spool, write_timeout=self.config.write_timeout, progress=self.notify
        )
        self.lag = None

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once."""
        if self._transport is not None:
            self.reactor.exchange(accepted, self._transport)
        else:
            super().serve(accepted)

    def _turn_outside_loop(self, timeout: float) -> None:
        """Let the reactor serve where no loop is found running.

        A WSGI application is synchronous code: Django, for one, refuses its database where it finds
        a running loop.  IOLoop.current() finds the loop all the same.  Once a batch, for each of
        the two calls asks for the process id (getpid(2)).
        """
        _set_running_loop(None)
        try:
            self.reactor.turn(timeout)
        finally:
            _set_running_loop(self.loop)
