"""The arbiter's tick: for plugins that watch or steer, and only when there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.arbiter.preparation import count_workers
from hookserve.errors import HookserveError
from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


class Ticker:
    """Calls `server_tick` and `target_workers` every `tick_interval` seconds, or more often."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self.due: float | None = None
        """When the next tick is; `None`: nobody listens."""

    def attend(self, now: float) -> None:
        """Tick if it is time."""
        arbiter = self._arbiter
        hook = arbiter.assembly.host.hook
        listened = calling.implementations(hook.server_tick)
        if not listened and not calling.implementations(hook.target_workers):
            self.due = None
        elif self.due is None or now >= self.due:
            calling.notify(hook.server_tick, server=arbiter)
            target = self.target()
            if target is not None:
                arbiter.set_wanted(target)
            self.due = now + self._interval()

    def target(self) -> int | None:
        """How many workers the plugins want; `None`: they leave that to others."""
        arbiter = self._arbiter
        hook = arbiter.assembly.host.hook.target_workers
        if not calling.implementations(hook):
            return None
        configured, _ = count_workers(arbiter.assembly.config)
        answer = calling.ask(hook, server=arbiter, stats={**arbiter.stats(), "workers": configured})
        return answer if isinstance(answer, int) and answer > 0 else None

    def _interval(self) -> float:
        assembly = self._arbiter.assembly
        interval: float = assembly.config.tick_interval
        try:
            asked = calling.collect(assembly.host.hook.tick_intervals)
            return min([interval, *(seconds for _, seconds in asked)])
        except HookserveError as error:
            self._arbiter.log.error("%s", error)
            return interval
