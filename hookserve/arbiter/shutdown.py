"""How the server stops: a drain delay in which it still accepts, then the drain, then the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part
from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter

_UNREAPABLE = 5.0
"""How long processes are waited for beyond all their deadlines, in seconds."""


class Shutdown(Part):
    """The shutdown of an arbiter."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._delay_ends = 0.0
        """Until then the server still accepts, although it has been told to stop."""
        self._deadline = 0.0

    @property
    def has_begun(self) -> bool:
        """Whether the server accepts no connections any more."""
        return self._deadline > 0

    @property
    def is_announced(self) -> bool:
        """Whether the server has been told to stop, though it may accept for a while."""
        return self.has_begun or self._delay_ends > 0

    def due(self, now: float) -> float | None:
        """When the drain delay ends, or the shutdown is overdue."""
        return self._deadline or self._delay_ends or None

    def step(self, now: float) -> None:
        """Go on to the drain when the drain delay is over."""
        if 0 < self._delay_ends <= now and not self.has_begun:
            self._drain()

    def shutdown(self) -> None:
        """Stop gracefully (TERM): after `drain_delay`, or now when told again, workers finish
        their requests, for at most `graceful_timeout`."""
        arbiter = self._arbiter
        delay = arbiter.config.drain_delay
        if self.has_begun:
            return
        if not delay or self._delay_ends:
            self._drain()
            return
        self._delay_ends = arbiter.clock() + delay
        arbiter.log.info("drain delay: connections are accepted for %g s more", delay)
        for handle in arbiter.worker_table:
            handle.send("drain delay")
        calling.notify(arbiter.hook.on_drain_delay, server=arbiter)

    def shutdown_now(self) -> None:
        """Stop at once (INT, QUIT): workers have `quick_timeout`."""
        arbiter = self._arbiter
        limit = arbiter.config.quick_timeout
        self._begin(limit)
        arbiter.log.info("stopping quickly")
        arbiter.auxiliaries.end(limit)
        for handle in arbiter.worker_table:
            handle.stop_now(arbiter.clock(), limit)

    def is_overdue(self) -> bool:
        """Whether what is left cannot be killed: the server ends without it."""
        arbiter = self._arbiter
        if arbiter.clock() < self._deadline:
            return False
        for handle in arbiter.worker_table:
            arbiter.log.critical("%s cannot be ended; the server ends without it", handle)
        return True

    def _drain(self) -> None:
        arbiter = self._arbiter
        limit = arbiter.config.graceful_timeout
        self._begin(limit)
        arbiter.log.info("stopping")
        arbiter.auxiliaries.end(limit)
        for handle in arbiter.worker_table:
            handle.retire(arbiter.clock(), limit)

    def _begin(self, limit: float) -> None:
        arbiter = self._arbiter
        arbiter.pool.factory.announce_stop()
        if not self.has_begun:
            for listener in arbiter.listeners:
                if arbiter.upgrade.is_shared:
                    listener.close()  # the other arbiter's workers accept there
                else:
                    arbiter.retirement.retire(listener)
            calling.notify(arbiter.hook.on_stopping, server=arbiter)
        grace = arbiter.config.abort_timeout + _UNREAPABLE
        self._deadline = arbiter.clock() + limit + grace
