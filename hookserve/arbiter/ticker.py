"""Periodic hooks: for plugins that watch or steer, and only when there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part
from hookserve.arbiter.preparation import count_workers
from hookserve.errors import HookserveError
from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter


class Ticker(Part):
    """Calls `server_tick` and `target_workers` every `tick_interval` seconds, or more often."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self._due: float | None = None

    def due(self, now: float) -> float | None:
        """The next tick; `None` when no plugin has a hook for it, or the server stops."""
        return None if self._arbiter.is_stopping else self._due

    def step(self, now: float) -> None:
        """Tick if it is time."""
        arbiter = self._arbiter
        hook = arbiter.hook
        is_implemented = calling.implementations(hook.server_tick) or calling.implementations(
            hook.target_workers
        )
        if not is_implemented:
            self._due = None
        elif self._due is None or now >= self._due:
            calling.notify(hook.server_tick, server=arbiter)
            target = self.target()
            if target is not None:
                arbiter.set_wanted(target)
            self._due = now + self._interval()

    def target(self) -> int | None:
        """How many workers the plugins want; `None`: no plugin decides it."""
        arbiter = self._arbiter
        hook = arbiter.hook.target_workers
        if not calling.implementations(hook):
            return None
        configured, _ = count_workers(arbiter.config)
        stats = {**arbiter.stats(), "workers": configured}
        found = calling.ask(hook, server=arbiter, stats=stats)
        return found if isinstance(found, int) and found > 0 else None

    def _interval(self) -> float:
        interval: float = self._arbiter.config.tick_interval
        try:
            asked = calling.collect(self._arbiter.hook.tick_intervals)
            return min([interval, *(seconds for _, seconds in asked)])
        except HookserveError as error:
            self._arbiter.log.error("%s", error)
            return interval
