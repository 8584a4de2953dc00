"""The sync worker: one request at a time, and no time for silent clients.

Connections wait in the reactor; what is ready runs here and now.  A connection is kept open after
a response only as long as no other waits to be accepted: a process that serves one request at a
time must not collect the clients that another one could serve.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.poller import READABLE, make_poller
from hookserve.reactor.transport import SpoolingTransport
from hookserve.reactor.worker import ReactorWorker
from hookserve.worker.base import WHOLE_BODY
from hookserve.worker.context import WorkerContext

if TYPE_CHECKING:
    from hookserve.protocol.lent import LentSocket
    from hookserve_sync.attendant import Attendant


class SyncWorker(ReactorWorker):
    """Accepts, serves and closes, one request after another."""

    awaited_body = WHOLE_BODY
    hands_over = True

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self._transport = _SyncTransport(self)

    def serve(self, accepted: Accepted) -> None:
        """Run the exchange at once."""
        self.reactor.exchange(accepted, self._transport)


class _SyncTransport(SpoolingTransport):
    """The transport, with the rule about which connections are kept."""

    __slots__ = ("_attendant", "_queue", "_worker")

    def __init__(self, worker: SyncWorker) -> None:
        config = worker.config
        super().__init__(
            config.body_timeout,
            config.write_timeout,
            worker.notify,
            worker.spool,
            body_rate=config.body_rate,
        )
        self.hand_over = self._hand_over
        self._attendant: Attendant | None = None
        self._worker = worker
        self._queue = make_poller()
        for listener in worker.listeners:
            self._queue.register(listener.fileno(), READABLE)

    def _hand_over(
        self, fd: int, received: bytes, on_leave: Callable[[], object] | None
    ) -> LentSocket:
        if self._attendant is None:
            from hookserve_sync.attendant import Attendant

            self._attendant = Attendant(self._worker)
        taken = self._worker.reactor.takeovers.hand_over(fd, received, on_leave)
        self._attendant.attend()
        return taken

    def may_persist(self) -> bool:
        """Whether no connection waits to be accepted."""
        return self._worker.alive and not self._queue.poll(0)
