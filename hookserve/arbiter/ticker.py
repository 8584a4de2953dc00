"""Periodic hooks: for plugins that watch or steer, and only when there are any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve.arbiter.parts import Part
from hookserve.config.values import LEAST_INTERVAL
from hookserve.config.workers import count_workers
from hookserve.errors import HookserveError
from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.hookspecs import Hooks
    from hookserve.server import Server


class Ticker(Part):
    """Calls `server_tick` and `target_workers` every `tick_interval` seconds, or more often."""

    def __init__(
        self, server: Server, hooks: Callable[[], Hooks], is_undecided: Callable[[], bool]
    ) -> None:
        self._server = server
        self._hooks = hooks
        """Those of the current generation."""
        self._is_undecided = is_undecided
        """Whether the current generation may be taken back: its plugins do not change the number of
        workers yet."""
        self._due: float | None = None

    def due(self, now: float) -> float | None:
        """The next tick; `None` when no plugin has a hook for it, or the server stops."""
        return None if self._server.is_stopping else self._due

    def step(self, now: float) -> None:
        """Tick if it is time."""
        hook = self._hooks()
        is_implemented = calling.implementations(hook.server_tick) or calling.implementations(
            hook.target_workers
        )
        if not is_implemented:
            self._due = None
        elif self._due is None or now >= self._due:
            calling.notify(hook.server_tick, server=self._server)
            target = None if self._is_undecided() else self.target()
            if target is not None:
                self._server.set_wanted(target)
            self._due = now + self._interval()

    def target(self) -> int | None:
        """How many workers the plugins want; `None`: no plugin decides it."""
        server, hook = self._server, self._hooks().target_workers
        if not calling.implementations(hook):
            return None
        configured, _ = count_workers(server.config)
        stats = {**server.stats(), "workers": configured}
        found = calling.ask(hook, server=server, stats=stats)
        return found if isinstance(found, int) and found > 0 else None

    def _interval(self) -> float:
        interval: float = self._server.config.tick_interval
        try:
            asked = calling.collect(self._hooks().tick_intervals)
            return max(LEAST_INTERVAL, min([interval, *(seconds for _, seconds in asked)]))
        except HookserveError as error:
            self._server.log.error("%s", error)
            return interval
