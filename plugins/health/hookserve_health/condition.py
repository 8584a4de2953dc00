"""What a server's condition is, by the scoreboard and the shared state, in any of its processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from hookserve.wording import counted

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.worker.reading import Reading, WorkerReading
    from hookserve_health.shared_state import SharedState

_GRACE = 15.0
"""Seconds beyond all its deadlines after which a worker that is not ended shows that the arbiter is
stuck."""


class Verdict(NamedTuple):
    """The answer to one question."""

    holds: bool
    reason: str
    """In a few words; nothing that a client must not see."""


_DRAINING = Verdict(False, "draining")


class Condition:
    """Judges a server by `read`, which reads its scoreboard.

    In a worker, `is_replaced` says of what was read whether the worker is retired for one of
    another generation, whose scoreboard it may not see.
    """

    def __init__(
        self,
        config: Config,
        state: SharedState,
        read: Callable[[], Reading],
        is_replaced: Callable[[Reading], bool] = lambda _: False,
    ) -> None:
        self._read = read
        self._is_replaced = is_replaced
        self._state = state
        self._least: int = config.health_min_workers
        self._checks: Sequence[str] = config.health_check
        self._timeout: float = config.timeout
        self._drain_delay: float = config.drain_delay
        self._draining_since = inf
        """When HAProxy's agent-check first found the server draining, in seconds of the monotonic
        clock."""
        self._is_stuck_after = config.timeout + config.abort_timeout + _GRACE

    def live(self) -> Verdict:
        """Whether the arbiter does its work: a restart would help if it did not."""
        reading = self._read()
        if self._timeout and any(
            reading.now - each.heartbeat > self._is_stuck_after
            for each in reading.workers
            if each.ready_at and each.heartbeat > 0.0
        ):
            return Verdict(False, "a worker that hangs is not ended")
        return Verdict(True, "live")

    def ready(self) -> Verdict:
        """Whether the server wants requests."""
        reading = self._read()
        if reading.is_draining:
            if self._state.successor_serves:
                return Verdict(True, "ready: the successor serves")
            return _DRAINING
        count = len(self._serving(reading))
        if self._is_replaced(reading):
            count = max(count, reading.wanted)
        if count < self._least:
            return Verdict(False, f"{count} of {counted(self._least, 'worker')} ready")
        if self._checks and (fault := self._fault_of_checks(reading.now)):
            return Verdict(False, fault)
        self._state.record_start()
        return Verdict(True, "ready")

    def _fault_of_checks(self, now: float) -> str:
        """Why the application's checks have not passed lately; empty: they have."""
        state = self._state
        if state.failed is not None:
            how = ", its process has ended" if state.has_crashed else ""
            return f"check failed: {self._name(state.failed)}{how}"
        if state.is_checked and not state.is_late(now):
            return ""
        if state.is_process_gone:
            return "the process of the checks has ended"
        if not state.is_checked:
            return "not checked yet"
        running = state.running
        return "checks late" if running is None else f"check late: {self._name(running)}"

    def _name(self, number: int) -> str:
        """Of a check; it may be of another configuration, which had others."""
        return self._checks[number] if number < len(self._checks) else "of the code before"

    def startup(self) -> Verdict:
        """Whether the server has ever been found to be ready, in any of its processes: until then
        it is not to be judged otherwise."""
        if not self._state.has_started:
            verdict = self.ready()
            if not verdict.holds and verdict != _DRAINING:
                return Verdict(False, f"starting: {verdict.reason}")
        return Verdict(True, "started")

    def agent(self) -> str:
        """A line for HAProxy's agent-check (its configuration manual, "agent-check"): ``drain``,
        ``down`` with the reason, or ``up ready`` and the free places in per cent, at least one.

        In the first half of the drain delay one per cent is left: HAProxy sends requests that
        another server can have there, and the others here.  It takes some checks to send any to a
        server that has just been restarted, and ``drain`` would be obeyed at once.
        """
        verdict = self.ready()
        if verdict == _DRAINING:
            return self._agent_while_draining()
        if not verdict.holds:
            return f"down #{verdict.reason}\n"
        return f"up ready {self._free()}%\n"

    def _agent_while_draining(self) -> str:
        reading = self._read()
        self._draining_since = min(self._draining_since, reading.now)
        is_early = reading.now < self._draining_since + self._drain_delay / 2
        return "up ready 1%\n" if is_early and not reading.is_stopping else "drain\n"

    def _serving(self, reading: Reading) -> list[WorkerReading]:
        """The workers that are ready and give signs of life."""
        return [
            each
            for each in reading.workers
            if each.state == "ready"
            and not (self._timeout and reading.now - each.heartbeat > self._timeout)
        ]

    def _free(self) -> int:
        serving = self._serving(self._read())
        places = sum(each.capacity for each in serving)
        free = sum(max(0, each.capacity - each.busy) for each in serving)
        return max(1, round(100 * free / places)) if places else 100
