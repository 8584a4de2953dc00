"""How the server stops: a drain delay in which it still accepts, then the drain, then the end.

Between the first two no new handshake begins, and workers accept until none is under way: what a
worker then finds in the queue is all that will ever be there.
"""

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
        self._has_begun = False
        self._asked_by = ""

    @property
    def has_begun(self) -> bool:
        """Whether the server accepts no connections any more."""
        return self._has_begun

    @property
    def is_announced(self) -> bool:
        """Whether the server has been told to stop, though it may accept for a while."""
        return self.has_begun or self._delay_ends > 0

    def due(self, now: float) -> float | None:
        """When the drain delay ends, or the shutdown is overdue; `None` between the two, when it
        is the retirement that looks at the handshakes."""
        if self._has_begun:
            return self._deadline or None
        return self._delay_ends or None

    def step(self, now: float) -> None:
        """Go on when the drain delay is over, and to the drain when no handshake is under way."""
        if not self._has_begun and 0 < self._delay_ends <= now:
            self._begin()
        is_waiting = self._has_begun and not self._deadline
        if is_waiting and not self._arbiter.retirement.has_handshake(now):
            self._drain()

    def shutdown(self, asked_by: str) -> None:
        """Stop gracefully (TERM): after `drain_delay`, or now when told again, workers finish
        their requests, for at most `graceful_timeout`.

        During an upgrade there is no delay: another arbiter serves at the same addresses.
        """
        arbiter = self._arbiter
        delay = 0.0 if arbiter.upgrade.another_serves else arbiter.config.drain_delay
        if self.has_begun:
            return
        self._asked_by = asked_by
        if not delay or self._delay_ends:
            self._begin()
            self.step(arbiter.clock())
            return
        self._delay_ends = arbiter.clock() + delay
        message = "drain delay: connections are accepted for %g s more, asked by %s"
        arbiter.log.info(message, delay, asked_by)
        arbiter.pool.factory.announce_drain_delay()
        for handle in arbiter.worker_table:
            handle.send("drain delay")
        calling.notify(arbiter.hook.on_drain_delay, server=arbiter)

    def shutdown_now(self, asked_by: str) -> None:
        """Stop at once (INT, QUIT): workers have `quick_timeout`."""
        arbiter = self._arbiter
        limit = arbiter.config.quick_timeout
        self._begin()
        self._set_deadline(limit)
        arbiter.log.info("stopping quickly, asked by %s", asked_by)
        arbiter.auxiliaries.end(limit)
        for handle in arbiter.worker_table:
            handle.stop_now(arbiter.clock(), limit)

    def is_overdue(self) -> bool:
        """Whether what is left cannot be killed: the server ends without it."""
        arbiter = self._arbiter
        if not self._deadline or arbiter.clock() < self._deadline:
            return False
        for handle in arbiter.worker_table:
            arbiter.log.critical("%s cannot be ended; the server ends without it", handle)
        return True

    def _begin(self) -> None:
        """Refuse new connections."""
        arbiter = self._arbiter
        if self._has_begun:
            return
        self._has_begun = True
        if not arbiter.upgrade.is_shared:
            arbiter.retirement.retire(arbiter.listeners)
        else:
            for listener in arbiter.listeners:
                listener.close()  # the other arbiter's workers accept there
        # After that: a worker that has had the signal as well waits for it, and empties the queue.
        arbiter.pool.factory.announce_stop()
        calling.notify(arbiter.hook.on_stopping, server=arbiter)

    def _drain(self) -> None:
        arbiter = self._arbiter
        limit = arbiter.config.graceful_timeout
        self._set_deadline(limit)
        arbiter.log.info("stopping, asked by %s", self._asked_by)
        arbiter.auxiliaries.end(limit)
        for handle in arbiter.worker_table:
            handle.retire(arbiter.clock(), limit)

    def _set_deadline(self, limit: float) -> None:
        grace = self._arbiter.config.abort_timeout + _UNREAPABLE
        self._deadline = self._arbiter.clock() + limit + grace
