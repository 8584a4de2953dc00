"""Keeps the workers: compares those that are with those that should be, and takes the next steps.

Start, death, reload, recycling, TTIN and TTOU are all this one comparison.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from hookserve.arbiter.forking import WorkerFactory
from hookserve.arbiter.handles import BOOTING, READY, WorkerHandle
from hookserve.arbiter.policies import Backoff, ReplacementPlan
from hookserve.plugins import calling
from hookserve.types import RestartPlan, WorkerCounts

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter

_FORK_PAUSE = 1.0


class WorkerPool:
    """Forks, replaces and retires workers for an arbiter."""

    def __init__(self, arbiter: Arbiter, workers: int) -> None:
        self._arbiter = arbiter
        self.factory = WorkerFactory(arbiter, workers)
        self._backoff = Backoff()
        self._plan: RestartPlan | None = None

    def reset_plan(self) -> None:
        """A new configuration, or none yet: who replaces whom when is decided again."""
        self._plan = None

    def reconcile(self, now: float) -> None:
        """Take the steps that are possible now."""
        arbiter = self._arbiter
        wanted = arbiter.num_workers
        limit = arbiter.assembly.config.graceful_timeout
        for handle in arbiter.worker_table:
            if handle.index >= wanted:
                handle.retire(now, limit)
            elif handle.state == READY and 0 < handle.expires_at <= now:
                self.recycle(handle, "max_lifetime")
        for index in range(wanted):
            crew = arbiter.worker_table.at(index)
            if not crew:
                self._fill(index, now)
                continue
            newest = crew[-1]
            if newest.state == READY:
                for predecessor in crew[:-1]:
                    predecessor.retire(now, limit)
                if self._is_outdated(newest):
                    self._replace(newest, now)

    def recycle(self, handle: WorkerHandle, reason: str) -> None:
        """Have a worker replaced: the replacement is ready before it goes."""
        if handle.state == READY and not handle.recycle_reason:
            handle.recycle_reason = reason
            self._arbiter.log.info("%s is to be replaced: %s", handle, reason)

    def dues(self, now: float) -> list[float]:
        """When something may have to be done, in seconds of the monotonic clock."""
        wanted = range(self._arbiter.num_workers)
        found = [due for due in map(self._backoff.due, wanted) if due > now]
        found += [
            each.expires_at
            for each in self._arbiter.worker_table
            if each.state == READY and each.expires_at > 0 and not each.recycle_reason
        ]
        return found

    def record_failure(self, handle: WorkerHandle) -> float:
        """A worker has died unasked; how long its slot stays empty."""
        now = time.monotonic()
        lifetime = now - handle.ready_at if handle.ready_at else 0.0
        return self._backoff.record_failure(handle.index, lifetime, now)

    def reset_backoff(self) -> None:
        """A new generation starts without its predecessors' record of deaths."""
        self._backoff.forget()

    def _is_outdated(self, handle: WorkerHandle) -> bool:
        return handle.generation < self._arbiter.generation or bool(handle.recycle_reason)

    def _replace(self, handle: WorkerHandle, now: float) -> None:
        counts = self._counts()
        plan = self._current_plan()
        if plan.starts(counts) > 0:
            self._fill(handle.index, now)
        elif plan.retirements(counts) > 0:
            handle.retire(now, handle.config.graceful_timeout)

    def _counts(self) -> WorkerCounts:
        handles = [each for each in self._arbiter.worker_table if each.is_serving]
        ready = [each for each in handles if each.state == READY]
        return WorkerCounts(
            wanted=self._arbiter.num_workers,
            ready=len(ready),
            booting=sum(each.state == BOOTING for each in handles),
            outdated=sum(map(self._is_outdated, ready)),
            canary_ready=any(each.generation == self._arbiter.generation for each in ready),
        )

    def _current_plan(self) -> RestartPlan:
        if self._plan is None:
            assembly = self._arbiter.assembly
            config = assembly.config
            answer = calling.ask(assembly.host.hook.make_restart_plan, server=self._arbiter)
            self._plan = cast("RestartPlan | None", answer) or ReplacementPlan(
                config.reload_strategy, config.max_surge, config.max_unavailable
            )
        return self._plan

    def _fill(self, index: int, now: float) -> None:
        """Fork a worker for a slot, unless it must wait."""
        arbiter = self._arbiter
        if arbiter.first_generation_failed or now < self._backoff.due(index):
            return
        try:
            handle = self.factory.fork(index, arbiter.own_descriptors())
        except OSError as error:
            arbiter.log.error("cannot fork worker %d: %s (tried again in %g s)", index,
                              error.strerror, _FORK_PAUSE)  # fmt: skip
            self._backoff.delay(index, now, _FORK_PAUSE)
            return
        handle.forked_at = now
        arbiter.add_worker(handle)
        arbiter.log.info("%s booting", handle)
