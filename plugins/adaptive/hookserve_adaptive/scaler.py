"""Moves the number of workers of a server as the policy says.

TTIN and TTOU move the range, both ends by what they change the number by: who adds a worker wants
one more than there would be, whatever the load.  WINCH, which drains all of a daemon, is left alone
until TTIN begins anew.  A reload reads the range again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve_adaptive.policy import Policy, Sample

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.server import Server


class Scaler:
    """Acts on one configuration's range."""

    def __init__(self, config: Config) -> None:
        self._least: int = config.adaptive_min
        self._most: int = config.adaptive_max
        self._policy = Policy(config.adaptive_busy, config.adaptive_idle_time)
        self._interval: float = config.adaptive_interval
        self._shift = 0
        """By how much the operator has moved the range."""
        self._target: int | None = None
        """What the policy last said: any other number is the operator's."""

    @hookimpl
    def when_ready(self, server: Server) -> None:
        """An arbiter that took workers over goes on with as many."""
        taken_over = len({worker.index for worker in server.workers})
        if taken_over > server.num_workers:
            self._target = min(taken_over, self._most)
            server.set_wanted(self._target, "adaptive")

    @hookimpl
    def tick_intervals(self) -> list[float]:
        """As often as the load is to be looked at."""
        return [self._interval] if self._interval else []

    @hookimpl
    def target_workers(self, server: Server, stats: Mapping[str, float]) -> int | None:
        """What the load asks for; `None` when all workers were drained."""
        if not server.num_workers:
            return None
        least = max(1, (self._least or int(stats["workers"])) + self._shift)
        most = max(1, self._most + self._shift)
        self._target = self._policy.decide(_sample(server), min(least, most), most)
        return self._target

    @hookimpl
    def nworkers_changed(self, server: Server, new_value: int, old_value: int | None) -> None:
        """Tell what the operator changes from what was asked for here."""
        asked = self._target and min(self._target, server.most_workers)
        if new_value != asked and new_value and old_value:
            self._shift += new_value - old_value


def _sample(server: Server) -> Sample:
    workers = server.workers
    ready = [worker for worker in workers if worker.state == "ready"]
    booting = any(worker.state == "booting" for worker in workers)
    return Sample(
        now=time.monotonic(),
        wanted=server.num_workers,
        ready=len(ready),
        is_complete=len(ready) >= server.num_workers and not booting,
        in_flight=sum(len(worker.requests_in_flight()) for worker in ready),
        capacity=server.worker_capacity,
    )
