"""The base class of the models whose connections the reactor drives: their main loop.

A model says where requests run (`serve`), and overrides what waits (`start`, `step`) when that is
not the reactor's own poller.  Everything runs in the main thread unless a method says otherwise.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from hookserve.reactor.held import HoldingTransport
from hookserve.reactor.poller import FOR_EVER
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SocketTransport, SpoolingTransport
from hookserve.system.exiting import end_forked_child
from hookserve.worker.base import Worker

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted
    from hookserve.worker.context import WorkerContext


class ReactorWorker(Worker):
    """A worker with a reactor and the loops around it."""

    batch: ClassVar[int] = -1
    """Events that one turn takes from the kernel; 1 where `serve` hands requests to a pool."""
    drain_interval: ClassVar[float] = FOR_EVER
    """While draining: the longest `step`, in seconds, where the last connection may be closed by
    another thread or greenlet than the one that waits."""

    def __init__(self, context: WorkerContext) -> None:
        super().__init__(context)
        self.reactor = Reactor(self, self.serve, self.batch)
        self.reactor.loop.on_earlier_sweep = self.on_earlier_sweep

    # What a model provides.

    @abstractmethod
    def serve(self, accepted: Accepted) -> None:
        """A request is ready: have `Reactor.exchange` called with its connection.

        Called by the reactor, in whatever thread handles its events.
        """

    def start(self) -> None:
        """Begin to accept; called once, before the first `step`."""
        self.reactor.loop.watch(self.wakeup, self.process_signals)
        self.reactor.start_accepting()

    def step(self, seconds: float) -> None:
        """Wait for at most that long, and do what is due; infinite: for ever."""
        self.reactor.turn(seconds)

    def on_earlier_sweep(self) -> None:
        """Deadlines are due earlier than `step` expects: end its wait, where it does not see
        that itself.  Called from any thread.
        """

    def make_transport(self) -> SpoolingTransport:
        """A transport with the settings of the worker, for models that may wait: one for each
        request that runs at a time."""
        config = self.config
        transport = SpoolingTransport(
            config.body_timeout,
            config.write_timeout,
            self.notify,
            self.spool,
            body_rate=config.body_rate,
        )
        transport.hand_over = self.reactor.takeovers.hand_over
        return transport

    def after_fork(self) -> None:
        """As `Worker.after_fork`, and release the connections and the poller."""
        super().after_fork()
        self.reactor.abandon()
        # Of every exchange, in this process alone.
        SocketTransport.send = self.on_send_in_child  # type: ignore[method-assign,assignment]
        HoldingTransport.send_last = self.on_send_in_child  # type: ignore[method-assign,assignment]

    def on_send_in_child(self, *_: object) -> None:
        """An exchange wants to send in a child that the application has forked: the application
        has returned, so the child is done."""
        end_forked_child(sys.exc_info()[1])

    # The main loop.

    def run(self) -> None:
        """Accept and serve until the worker is told to stop."""
        self.start()
        while self.alive:
            self.step(self.reactor.pause())

    def drain(self, deadline: float) -> None:
        """Finish what is open by `deadline`, in seconds of the monotonic clock."""
        self.begin_drain()
        while self.is_draining(deadline):
            self.reactor.takeovers.drain(self.clock(), deadline)
            left = max(0.0, deadline - self.clock())
            self.step(min(self.reactor.pause(), self.drain_interval, left))
        self.reactor.loop.on_earlier_sweep = _no_step  # there is no further one to end
        self.end_exchanges()
        if not self.reactor.open:
            self.count_open(0)  # another thread may be about to publish that

    def end_exchanges(self) -> None:
        """End what is suspended still after the drain."""
        self.reactor.end_suspended()

    def begin_drain(self) -> None:
        """Stop accepting."""
        self.reactor.begin_drain()

    def is_draining(self, deadline: float) -> bool:
        """Whether there is something left to finish, and time for it."""
        return self.reactor.is_draining(deadline)


def _no_step() -> None:
    """No loop waits."""
