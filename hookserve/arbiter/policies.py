"""Policies of the arbiter, each a small object that can be tested without a server."""

from __future__ import annotations

from hookserve.arbiter.handles import ABORTING, BOOTING, DRAINING, WorkerHandle
from hookserve.types import WorkerCounts

_CLOCK_SLACK = 60.0
"""Seconds that a heartbeat may be ahead of the moment that it is compared with."""


class Backoff:
    """When a slot may be filled again after its worker failed.

    After the first failure it is filled at once: most are single events, and a missing worker
    costs capacity.  From the second in a row on the pause doubles, so that a crash loop costs
    little and fills no disk.  A worker that lived for `LONG_LIVED` seconds ends the row.
    """

    FIRST = 0.5
    LONGEST = 30.0
    LONG_LIVED = 10.0

    def __init__(self) -> None:
        self._failures: dict[int, int] = {}
        self._not_before: dict[int, float] = {}

    def record_failure(self, index: int, lifetime: float, now: float) -> float:
        """A worker ended unasked, `lifetime` seconds after it was ready (0: never); returns the
        pause, in seconds."""
        row = 1 if lifetime >= self.LONG_LIVED else self._failures.get(index, 0) + 1
        self._failures[index] = row
        pause = 0.0 if row == 1 else min(self.FIRST * 2.0 ** (row - 2), self.LONGEST)
        self._not_before[index] = now + pause
        return pause

    def delay(self, index: int, now: float, pause: float) -> None:
        """Do not fill the slot for `pause` seconds, without counting a failure."""
        self._not_before[index] = now + pause

    def due(self, index: int) -> float:
        """When the slot may be filled, in seconds of the monotonic clock; 0: any time."""
        return self._not_before.get(index, 0.0)

    def reset(self) -> None:
        """A new generation: every slot starts afresh."""
        self._failures.clear()
        self._not_before.clear()


class Deadlines:
    """When a worker is overdue, and for what.

    A clock that jumped or an arbiter that was held up (suspend, debugger) makes no worker
    overdue: silence counts from `ignore_silence_before` on.
    """

    def due(self, handle: WorkerHandle, now: float) -> float | None:
        """When the handle must be looked at again; `None`: never.

        With a `request_timeout` and nothing in flight that is a whole `request_timeout` from
        now: whatever begins in between cannot be overdue before.  A worker that cancels requests
        itself is overdue only when that did not help within `abort_timeout`.
        """
        if handle.escalation is not None:
            return handle.escalation.deadline
        config = handle.config
        if handle.state == BOOTING:
            return handle.forked_at + config.boot_timeout if config.boot_timeout else None
        if handle.state in (DRAINING, ABORTING):
            return handle.drain_deadline
        moments = []
        if config.timeout:
            moments.append(self._last_sign(handle, now) + config.timeout)
        if config.request_timeout:
            oldest = self._oldest(handle, now)
            limit = config.request_timeout + (config.abort_timeout if handle.cancels else 0.0)
            moments.append(now - oldest + limit)
        return min(moments, default=None)

    def fault(self, handle: WorkerHandle, now: float) -> str:
        """What the worker has missed; empty when it is in time."""
        due = self.due(handle, now)
        if due is None or now < due or handle.escalation is not None:
            return ""
        config = handle.config
        if handle.state == BOOTING:
            return f"not ready {now - handle.forked_at:.1f} s after its fork"
        if handle.state == DRAINING:
            return "did not finish its requests in time"
        if config.timeout and now >= self._last_sign(handle, now) + config.timeout:
            return f"silent for {now - self._last_sign(handle, now):.1f} s"
        return f"a request has run for {self._oldest(handle, now):.1f} s"

    def _last_sign(self, handle: WorkerHandle, now: float) -> float:
        heartbeat = handle.slot.heartbeat
        if not 0.0 <= heartbeat <= now + _CLOCK_SLACK:
            heartbeat = 0.0  # whatever wrote it, it is not a worker that lives
        return max(heartbeat, handle.ignore_silence_before, handle.ready_at)

    def _oldest(self, handle: WorkerHandle, now: float) -> float:
        requests = handle.slot.in_flight(now)
        return requests[0].elapsed if requests else 0.0


class ReplacementPlan:
    """Which workers a reload, or recycling, replaces next: the built-in `RestartPlan`.

    Until the first worker of a new generation is ready (the canary) one replacement boots,
    whatever the strategy: broken code must show itself on one worker, and none is retired before.
    """

    def __init__(self, strategy: str, max_surge: int, max_unavailable: int) -> None:
        self._strategy = strategy
        self._max_surge = max_surge
        self._max_unavailable = max_unavailable

    def starts(self, counts: WorkerCounts) -> int:
        """How many more replacements may begin to boot."""
        limit = 1
        if counts.canary_ready:
            limit = counts.wanted if self._strategy == "surge" else self._max_surge
        return max(0, limit - counts.booting)

    def retirements(self, counts: WorkerCounts) -> int:
        """How many outdated workers may go before their replacements are ready."""
        if not counts.canary_ready:
            return 0
        return max(0, self._max_unavailable - max(0, counts.wanted - counts.ready))
