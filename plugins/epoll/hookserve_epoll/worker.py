"""The epoll worker: an event loop around an application that computes and does not wait.

One thread and one request at a time, as with sync, but no client can hold it up: a request body
is complete before the application runs, and what a slow reader does not take of a response is
kept, in memory and then in a file, and sent when there is room.
"""

from __future__ import annotations

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import LoopTransport
from hookserve.worker.base import Worker
from hookserve.worker.context import WorkerContext


class EpollWorker(Worker):
    """Serves whoever is ready, and waits for nobody."""

    buffered = True

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._reactor = Reactor(self, self._serve)
        self._transport = LoopTransport(self.spool)

    def run(self) -> None:
        """Serve what is ready, one after another."""
        self._reactor.run()

    def drain(self, deadline: float) -> None:
        """Finish what is open."""
        self._reactor.drain(deadline)

    def _serve(self, accepted: Accepted) -> None:
        self._reactor.exchange(accepted, self._transport)
