"""The epoll worker: an event loop around an application that computes and does not wait.

One thread and one request at a time, as with sync, but no client can hold it up: a request body
is complete before the application runs, and what a slow reader does not take of a response is
kept, in memory and then in a file, and sent when there is room.
"""

from __future__ import annotations

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.transport import LoopTransport
from hookserve.reactor.worker import ReactorWorker
from hookserve.worker.context import WorkerContext


class EpollWorker(ReactorWorker):
    """Serves each client that is ready, and waits for none."""

    buffered = True

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._transport = LoopTransport(
            self.spool, write_timeout=self.config.write_timeout, progress=self.notify
        )

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once."""
        self.reactor.exchange(accepted, self._transport)
