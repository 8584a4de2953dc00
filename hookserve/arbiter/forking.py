"""What a fork needs on the arbiter's side: a slot, a handle, the hook, the child's context."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hookserve.arbiter.child import fork_worker
from hookserve.arbiter.handles import WorkerHandle
from hookserve.plugins import calling
from hookserve.worker.context import ServerView, WorkerContext
from hookserve.worker.scoreboard import Scoreboard

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.worker.channel import WorkerEnd
    from hookserve.worker.scoreboard import Slot

_FEWEST_SLOTS = 64
_MOST_NOTIFIABLE = 64
"""Each is a descriptor of every worker (`hookserve.reactor.balancing`)."""


class WorkerFactory:
    """Forks workers for an arbiter; holds the scoreboard that they share."""

    def __init__(self, arbiter: Arbiter) -> None:
        self._arbiter = arbiter
        workers = arbiter.num_workers
        # The pages of slots that are not taken are never touched: they cost address space alone.
        slots = max(_FEWEST_SLOTS, 4 * workers)
        # A reload may have as many workers again; a few more may be asked for (TTIN).
        notifiable = min(_MOST_NOTIFIABLE, 2 * workers + 2)
        self.scoreboard = Scoreboard(slots, self._request_slots(), notifiable=notifiable)

    def fit_scoreboard(self) -> None:
        """A new configuration may run more requests at once than the scoreboard has room for."""
        wanted, current = self._request_slots(), self.scoreboard
        if wanted <= current.request_slots:
            return
        try:
            larger = Scoreboard(current.slots, wanted, notifiable=len(current.wakeup_fds))
        except OSError as error:  # requests beyond the table are served, and not shown
            self._arbiter.log.warning(
                "the scoreboard has room for %d requests of a worker, and cannot grow to %d: %s",
                current.request_slots,
                wanted,
                error.strerror,
            )
            return
        self.scoreboard = larger

    def _request_slots(self) -> int:
        """What a worker may run, and one more: a refusal while all of that runs."""
        return self._arbiter.worker_capacity + 1

    def announce_drain_delay(self) -> None:
        """Say to all processes that the whole server is about to stop."""
        for scoreboard in self._scoreboards():
            scoreboard.announce_drain_delay()

    def announce_stop(self) -> None:
        """Say to all processes that the whole server stops."""
        for scoreboard in self._scoreboards():
            scoreboard.announce_stop()

    def _scoreboards(self) -> set[Scoreboard]:
        """All in use: workers of an earlier configuration may write to an older one."""
        return {self.scoreboard, *(each.scoreboard for each in self._arbiter.worker_table)}

    def fork(self, index: int, descriptors: Iterable[int]) -> WorkerHandle:
        """A forked worker's handle; the child closes `descriptors`.

        Raises OSError when there can be no further process now, HookError when a `pre_fork`
        hook raises before any worker was ever ready.
        """
        slot = self.scoreboard.take()
        if slot is None:
            raise OSError(errno.EAGAIN, "no slot of the scoreboard is free")
        try:
            return self._fork(self._make_handle(index, slot), descriptors)
        except BaseException:
            self.scoreboard.give_back(slot)
            raise

    def _make_handle(self, index: int, slot: Slot) -> WorkerHandle:
        arbiter = self._arbiter
        generation = arbiter.current
        slot.describe = generation.classes.protocol_class.describe_request
        handle = WorkerHandle(
            index,
            generation.number,
            generation.config,
            arbiter.log,
            slot,
            self.scoreboard,
            processes=arbiter.processes,
        )
        worker_type = generation.classes.worker_type
        handle.model = worker_type.name
        handle.cancels = worker_type.capabilities.request_timeout == "cancel"
        return handle

    def _fork(self, handle: WorkerHandle, descriptors: Iterable[int]) -> WorkerHandle:
        try:
            self._call_pre_fork(handle)
            fork_worker(self._arbiter.processes, handle, self._context, descriptors)
        except BaseException:
            handle.close()
            raise
        return handle

    def _call_pre_fork(self, handle: WorkerHandle) -> None:
        arbiter = self._arbiter
        hook = arbiter.hook.pre_fork
        if arbiter.has_been_ready or arbiter.worker_table:
            calling.notify(hook, server=arbiter, worker=handle)
        else:
            calling.fire(hook, server=arbiter, worker=handle)

    def _context(
        self, handle: WorkerHandle, channel: WorkerEnd, drop: Callable[[], None]
    ) -> WorkerContext:
        arbiter = self._arbiter
        generation = arbiter.current
        return WorkerContext(
            server=ServerView(arbiter.pid, generation.config, arbiter.address, arbiter.log),
            index=handle.index,
            generation=generation.number,
            config=generation.config,
            host=generation.assembly.host,
            worker_type=generation.classes.worker_type,
            protocol_classes=generation.classes.protocol_classes,
            listeners=generation.listeners,
            scoreboard=handle.scoreboard,
            slot=handle.slot,
            channel=channel,
            dump_fd=handle.dump_fd,
            app=generation.app,
            drop_privileges=drop,
        )
