"""The worker pool: compares the workers that exist with those that are wanted.

Start, failure, reload, recycling, TTIN and TTOU are all this one comparison.  The pool decides
which worker is retired: of two with one index the older one, and the one with the highest index
where there are too many; `policies` says only when, and how many at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hookserve.arbiter.forking import WorkerFactory
from hookserve.arbiter.handles import ABORTING, BOOTING, READY, WorkerHandle
from hookserve.arbiter.parts import Part
from hookserve.arbiter.policies import Backoff, ReplacementPlan
from hookserve.listeners.listener import uninherited
from hookserve.plugins import calling
from hookserve.types import RestartPlan, WorkerCounts
from hookserve.wording import counted

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter

_FORK_PAUSE = 1.0


class WorkerPool(Part):
    """Forks, replaces and retires workers for an arbiter."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        self.factory = WorkerFactory(arbiter)
        self._backoff = Backoff()
        self._plan: RestartPlan | None = None
        self._refused = 0
        """The number of workers that there was no room for, and that the log has named."""
        self._is_full = False
        """Whether the log says that a worker waits for a slot."""

    def step(self, now: float) -> None:
        """Reconcile, unless the server stops."""
        if not self._arbiter.is_stopping:
            self.reconcile(now)

    def due(self, now: float) -> float | None:
        """When a slot may be filled again, or a worker has lived as long as it may."""
        if self._arbiter.is_stopping:
            return None
        wanted = range(self._arbiter.num_workers)
        moments = [due for due in map(self._backoff.due, wanted) if due > now]
        moments += [
            each.expires_at
            for each in self._arbiter.worker_table
            if each.state == READY and each.expires_at > 0 and not each.recycle_reason
        ]
        return min(moments, default=None)

    def reconcile(self, now: float) -> None:
        """Take the steps that are possible now."""
        arbiter = self._arbiter
        wanted = arbiter.num_workers
        limit = arbiter.config.graceful_timeout
        for handle in arbiter.worker_table:
            if handle.index >= wanted:
                self._retire(handle, now, limit)
            elif handle.state == READY and 0 < handle.expires_at <= now:
                self.recycle(handle, "max_lifetime")
        for index in range(wanted):
            serving = arbiter.worker_table.at(index)
            if not serving:
                self._fill(index, now)
                continue
            newest = serving[-1]
            if newest.state == READY:
                for predecessor in serving[:-1]:
                    self._retire(predecessor, now, limit)
                if self._is_outdated(newest):
                    self._replace(newest, now)

    @property
    def most_workers(self) -> int:
        """How many workers may be wanted: one slot is left, for a replacement."""
        return max(self.factory.scoreboard.slots - 1, self._arbiter.num_workers)

    def add_one(self, asked_by: str) -> None:
        """An operator wants one worker more."""
        self._refused = 0
        self.set_wanted(self._arbiter.num_workers + 1, asked_by)

    def set_wanted(self, count: int, asked_by: str) -> None:
        """Change how many workers are wanted, to `most_workers` at most; the log says who has
        asked for it.  Raises ValueError for a negative number."""
        if count < 0:
            raise ValueError(f"expected 0 or more workers, not {count}")
        arbiter, old = self._arbiter, self._arbiter.num_workers
        count = self._limit(count)
        arbiter.reloads.keep_wanted(count)
        if count == old or arbiter.is_stopping:
            return
        arbiter.current = arbiter.current._replace(wanted=count)
        arbiter.publication.step(arbiter.clock())  # a command that waits for it reads it
        message = "%s wanted, not %d, asked by %s"
        arbiter.log.info(message, counted(count, "worker"), old, asked_by)
        hook = arbiter.hook.nworkers_changed
        calling.notify(hook, server=arbiter, new_value=count, old_value=old)

    def _limit(self, count: int) -> int:
        """The number, or `most_workers`; a plugin may ask for too many again and again."""
        most = self.most_workers
        if count <= most:
            self._refused = 0
            return count
        if count != self._refused:
            self._refused = count
            self._arbiter.log.warning(
                "there is room for %s at most, not for %d: give the configuration workers = %d and"
                " reload",
                counted(most, "worker"),
                count,
                count,
            )
        return most

    def recycle(self, handle: WorkerHandle, reason: str) -> None:
        """Have a worker replaced: the replacement is ready before it is retired."""
        if handle.state == READY and not handle.recycle_reason:
            handle.recycle_reason = reason
            self._arbiter.log.info("%s is to be replaced: %s", handle, reason)

    def record_failure(self, handle: WorkerHandle) -> float:
        """A worker ended unasked; returns how long its slot stays empty, in seconds."""
        now = self._arbiter.clock()
        lifetime = now - handle.ready_at if handle.ready_at else 0.0
        return self._backoff.record_failure(handle.index, lifetime, now)

    def begin_generation(self, workers: int) -> None:
        """A new generation: no back-off, another restart plan, and room for so many workers and
        their requests."""
        self._backoff.reset()
        self._plan = None
        self.factory.fit_scoreboard(workers)

    def _is_outdated(self, handle: WorkerHandle) -> bool:
        return handle.generation < self._arbiter.generation or bool(handle.recycle_reason)

    def _replace(self, handle: WorkerHandle, now: float) -> None:
        counts = self._counts()
        plan = self._current_plan()
        if plan.starts(counts) > 0:
            self._fill(handle.index, now)
        elif plan.retirements(counts) > 0:
            self._retire(handle, now, handle.config.graceful_timeout)

    def _retire(self, handle: WorkerHandle, now: float, limit: float) -> None:
        """Retire a worker; later, while an auxiliary process that has been told to end may read
        the earlier scoreboard alone: the new workers are not in that."""
        if len(self.factory.scoreboards()) == 1 or not self._arbiter.auxiliaries.has_stopping:
            handle.retire(now, limit)

    def _counts(self) -> WorkerCounts:
        serving = [each for each in self._arbiter.worker_table if each.is_serving]
        ready = [each for each in serving if each.state == READY]
        return WorkerCounts(
            wanted=self._arbiter.num_workers,
            ready=len(ready),
            # One that has not become ready in time boots until its end says what is wrong.
            booting=sum(
                each.state in (BOOTING, ABORTING) and not each.ready_at
                for each in self._arbiter.worker_table
            ),
            outdated=sum(map(self._is_outdated, ready)),
            canary_ready=any(each.generation == self._arbiter.generation for each in ready),
        )

    def _current_plan(self) -> RestartPlan:
        if self._plan is None:
            config = self._arbiter.config
            found = calling.ask(self._arbiter.hook.make_restart_plan, server=self._arbiter)
            self._plan = cast("RestartPlan | None", found) or ReplacementPlan(
                config.reload_strategy, config.max_surge, config.max_unavailable
            )
        return self._plan

    def _fill(self, index: int, now: float) -> None:
        """Fork a worker for a slot, unless it must wait."""
        arbiter = self._arbiter
        if arbiter.first_generation_failed or now < self._backoff.due(index):
            return
        try:
            foreign = [*arbiter.own_descriptors(), *(each.fileno() for each in uninherited)]
            handle = self.factory.fork(index, foreign)
        except OSError as error:
            message = "cannot fork worker %d: %s (tried again in %g s)"
            arbiter.log.error(message, index, error.strerror, _FORK_PAUSE)
            self._backoff.delay(index, now, _FORK_PAUSE)
            return
        if handle is None:  # the end of a worker is a reason to reconcile
            if not self._is_full:
                arbiter.log.warning(
                    "worker %d is forked when another has ended: no slot of the scoreboard is free",
                    index,
                )
            self._is_full = True
            return
        self._is_full = False
        handle.forked_at = now
        arbiter.add_worker(handle)
        arbiter.log.info("%s booting", handle)
