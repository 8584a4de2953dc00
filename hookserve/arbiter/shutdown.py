"""How the server stops: it may still accept for a while, then finishes what it has, then ends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter

_UNREAPABLE = 5.0
"""What is waited for processes beyond all their deadlines, in seconds."""


class Shutdown:
    """The stop of an arbiter."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._leaves_until = 0.0
        """Until then the server still accepts, although it has been told to stop."""
        self._deadline = 0.0

    @property
    def is_begun(self) -> bool:
        """Whether nothing is accepted any more."""
        return self._deadline > 0

    @property
    def due(self) -> float | None:
        """When `attend` or `is_overdue` has something to say; `None`: never."""
        return self._deadline or self._leaves_until or None

    def begin(self) -> None:
        """Stop gracefully (TERM): after `drain_delay`, or now when told again, workers finish
        what they have, for at most `graceful_timeout`."""
        arbiter = self._arbiter
        delay = arbiter.assembly.config.drain_delay
        if self.is_begun:
            return
        if delay and not self._leaves_until:
            self._leaves_until = time.monotonic() + delay
            arbiter.log.info("leaving: connections are accepted for %g s more", delay)
            for handle in arbiter.worker_table:
                handle.send("leave")
            calling.notify(arbiter.assembly.host.hook.on_drain_delay, server=arbiter)
            return
        self._begin_gracefully()

    def shutdown_now(self) -> None:
        """Stop at once (INT, QUIT): workers have `quick_timeout`."""
        arbiter = self._arbiter
        limit = arbiter.assembly.config.quick_timeout
        arbiter.log.info("stopping quickly")
        self._begin(limit)
        arbiter.auxiliaries.end(is_quick=True)
        for handle in arbiter.worker_table:
            handle.hurry(time.monotonic(), limit)

    def attend(self, now: float) -> None:
        """Go on to the stop when the time of leaving is over."""
        if 0 < self._leaves_until <= now and not self.is_begun:
            self._begin_gracefully()

    def is_overdue(self) -> bool:
        """Whether what is left cannot be killed: the server ends without it."""
        if time.monotonic() < self._deadline:
            return False
        for handle in self._arbiter.worker_table:
            self._arbiter.log.critical("%s cannot be ended; the server ends without it", handle)
        return True

    def _begin_gracefully(self) -> None:
        arbiter = self._arbiter
        limit = arbiter.assembly.config.graceful_timeout
        arbiter.log.info("stopping")
        if not arbiter.upgrade.is_shared:
            for listener in arbiter.listeners:
                listener.refuse_new_connections()
        self._begin(limit)
        arbiter.auxiliaries.end()
        for handle in arbiter.worker_table:
            handle.retire(time.monotonic(), limit)

    def _begin(self, limit: float) -> None:
        arbiter = self._arbiter
        arbiter.pool.factory.announce_stop()
        if not self.is_begun:
            calling.notify(arbiter.assembly.host.hook.on_stopping, server=arbiter)
            # The workers have their own copies: they serve what waits and close them, and from
            # then on a new client is refused instead of hanging in a queue nobody empties.
            for listener in arbiter.listeners:
                listener.close()
        grace = arbiter.assembly.config.abort_timeout + _UNREAPABLE
        self._deadline = time.monotonic() + limit + grace
