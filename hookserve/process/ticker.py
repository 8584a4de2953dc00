"""The arbiter's tick: for plugins that watch or steer, and only when there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import hooks

if TYPE_CHECKING:
    from hookserve.process.arbiter import Arbiter


class Ticker:
    """Calls `server_tick` and `target_workers` every `tick_interval` seconds."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self.due: float | None = None
        """When the next tick is; `None`: nobody listens."""

    def attend(self, now: float) -> None:
        """Tick if it is time."""
        arbiter = self._arbiter
        hook = arbiter.assembly.host.hook
        listened = hooks.implementations(hook.server_tick)
        if not listened and not hooks.implementations(hook.target_workers):
            self.due = None
        elif self.due is None or now >= self.due:
            hooks.notify(hook.server_tick, server=arbiter)
            target = hooks.ask(hook.target_workers, server=arbiter, stats=arbiter.stats())
            if isinstance(target, int) and target > 0:
                arbiter.set_wanted(target)
            self.due = now + arbiter.assembly.config.tick_interval
