"""Measures the workers of a server and has those replaced that have grown too big."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve_memory.meter import Meter
from hookserve_memory.policy import Measured, MemoryPolicy
from hookserve_memory.published import FIELDS, publish

if TYPE_CHECKING:
    from hookserve import ScoreboardField
    from hookserve.config.resolved import Config
    from hookserve.server import Server, WorkerInfo


class Recycler:
    """Acts on one configuration's limit."""

    def __init__(self, config: Config) -> None:
        self._limit: int = config.memory_limit
        self._interval: float = config.memory_interval
        self._meter = Meter(config.memory_measure)
        self._policy = MemoryPolicy(self._limit, self._interval)
        self._due = 0.0

    @hookimpl
    def tick_intervals(self) -> list[float]:
        """As often as measurements are wanted."""
        return [self._interval] if self._interval else []

    @hookimpl
    def scoreboard_fields(self) -> tuple[ScoreboardField, ...]:
        """What is measured, the limit, and which workers are kept though they exceed it."""
        return FIELDS

    @hookimpl
    def server_tick(self, server: Server) -> None:
        """Measure if it is time."""
        now = time.monotonic()
        if now < self._due or server.is_stopping:
            return
        self._due = now + self._interval
        was_useless = self._policy.useless
        measured = self._measure(server, now)
        found = self._policy.choose(measured, _is_replacing(server))
        if found is not None:
            worker = next(each for each in server.workers if each.pid == found.pid)
            server.recycle(worker, f"memory: {_shown(found.size)} of {_shown(self._limit)}")
        useless = self._policy.useless
        sizes = {each.pid: each.size for each in measured}
        publish(server, sizes, self._limit, useless is not None)
        if useless is not None and was_useless is None:
            server.log.warning(
                "memory_limit is less than the application needs: worker %d, a replacement, takes"
                " %s of %s; no worker is replaced for its size until a new one is below the limit"
                " (raise memory_limit)",
                useless.index,
                _shown(useless.size),
                _shown(self._limit),
            )

    def _measure(self, server: Server, now: float) -> list[Measured]:
        found = []
        for worker in server.workers:
            if worker.state == "ready" and worker.pid is not None:
                size = self._meter.measure(worker.pid)
                if size is not None:
                    served = now - worker.ready_at
                    found.append(Measured(worker.pid, worker.index, served, size))
        return found


def _is_replacing(server: Server) -> bool:
    """Whether a replacement is under way, for whatever reason."""
    return any(map(_is_being_replaced, server.workers)) or any(
        worker.generation < server.generation for worker in server.workers
    )


def _is_being_replaced(worker: WorkerInfo) -> bool:
    return worker.state != "ready" or bool(worker.recycle_reason)


def _shown(size: int) -> str:
    mebibytes = size / (1 << 20)
    return f"{mebibytes:.0f} MiB" if mebibytes >= 10 else f"{mebibytes:.1f} MiB"
