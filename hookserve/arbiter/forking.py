"""What a fork needs on the arbiter's side: a slot, a handle, the hook, the child's context."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hookserve.arbiter.child import fork_worker
from hookserve.arbiter.handles import WorkerHandle
from hookserve.errors import HookserveError, PluginError
from hookserve.plugins import calling
from hookserve.wording import counted
from hookserve.worker.context import ServerView, WorkerContext
from hookserve.worker.layout import FIELD_KINDS
from hookserve.worker.scoreboard import Scoreboard

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.generation import Generation
    from hookserve.types import ScoreboardField
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
        slots, notifiable = _slots_for(workers), _notifiable_for(workers)
        fields = declared_fields(arbiter.current)
        self.scoreboard = Scoreboard(slots, self._request_slots(), -1, notifiable, fields)
        self.scoreboard.server.started_at = arbiter.clock()
        self.scoreboard.server.start_time = time.time()
        self._describe_requests()

    def fit_scoreboard(self, workers: int) -> None:
        """A new configuration may have so many workers, or run so many requests at once, that the
        scoreboard has no room for them, and its plugins may want other fields."""
        current = self.scoreboard
        slots = current.slots if _most_at_once(workers) <= current.slots else _slots_for(workers)
        request_slots = max(self._request_slots(), current.request_slots)
        try:
            fields = declared_fields(self._arbiter.current)
        except HookserveError as error:
            self._arbiter.log.error("%s; the scoreboard's fields stay", error)
            fields = current.layout.fields
        room = (slots, request_slots, fields)
        if room != (current.slots, current.request_slots, current.layout.fields):
            notifiable = max(len(current.wakeup_fds), _notifiable_for(workers))
            self._replace_scoreboard(slots, request_slots, notifiable, fields)
        self._describe_requests()

    def _replace_scoreboard(
        self, slots: int, request_slots: int, notifiable: int, fields: tuple[ScoreboardField, ...]
    ) -> None:
        current = self.scoreboard
        try:
            larger = Scoreboard(slots, request_slots, -1, notifiable, fields)
        except OSError as error:  # requests beyond the table are served, and not shown
            self._arbiter.log.warning(
                "the scoreboard has room for %s with %s each, and cannot grow to %d with %d: %s",
                counted(current.slots, "worker"),
                counted(current.request_slots, "request"),
                slots,
                request_slots,
                error.strerror,
            )
            return
        larger.server.copy(current.server)
        self.scoreboard = larger

    def _describe_requests(self) -> None:
        protocol_class = self._arbiter.current.classes.protocol_class
        self.scoreboard.describe = protocol_class.describe_request

    def scoreboards(self) -> list[Scoreboard]:
        """Those in use: the current one, and those that workers of an earlier configuration write
        to."""
        of_workers = (handle.scoreboard for handle in self._arbiter.worker_table)
        return list(dict.fromkeys((self.scoreboard, *of_workers)))

    def _request_slots(self) -> int:
        """What a worker may run, and one more: a refusal while all of that runs."""
        return self._arbiter.worker_capacity + 1

    def announce_drain_delay(self) -> None:
        """Say to all processes that the whole server is about to stop."""
        for scoreboard in self.scoreboards():
            scoreboard.announce_drain_delay()

    def announce_stop(self) -> None:
        """Say to all processes that the whole server stops."""
        for scoreboard in self.scoreboards():
            scoreboard.announce_stop()

    def fork(self, index: int, descriptors: Iterable[int]) -> WorkerHandle | None:
        """A forked worker's handle; the child closes `descriptors`.  `None`: no slot is free.

        Raises OSError when there can be no further process now, HookError when a `pre_fork`
        hook raises before any worker was ever ready.
        """
        slot = self.scoreboard.take()
        if slot is None:
            return None
        try:
            return self._fork(self._make_handle(index, slot), descriptors)
        except BaseException:
            self.scoreboard.give_back(slot)
            raise

    def _make_handle(self, index: int, slot: Slot) -> WorkerHandle:
        arbiter = self._arbiter
        generation = arbiter.current
        slot.index, slot.generation = index, generation.number
        slot.capacity, slot.forked_at = arbiter.worker_capacity, arbiter.clock()
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
            handle.slot.pid = handle.pid or 0
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
            scoreboards=self.scoreboards(),
            slot=handle.slot,
            channel=channel,
            dump_fd=handle.dump_fd,
            app=generation.app,
            drop_privileges=drop,
        )


def _most_at_once(workers: int) -> int:
    """A reload may have as many workers again; a few more may be asked for (TTIN)."""
    return 2 * workers + 2


def _slots_for(workers: int) -> int:
    # The pages of slots that are not taken are never touched: they cost address space alone.
    return max(_FEWEST_SLOTS, 4 * workers)


def _notifiable_for(workers: int) -> int:
    return min(_MOST_NOTIFIABLE, _most_at_once(workers))


_MOST_WORDS = 1 << 16
"""Of one field of a plugin."""


def declared_fields(generation: Generation) -> tuple[ScoreboardField, ...]:
    """The memory that plugins ask for; raises HookError, and PluginError for one that cannot be."""
    found: dict[str, ScoreboardField] = {}
    hook, model = generation.hook.scoreboard_fields, generation.classes.worker_type
    for owner, field in calling.collect(hook, generation.config, model):
        fault = ""
        if not (field.name.isascii() and field.name.isidentifier() and field.name.islower()):
            fault = "its name is not of lower-case letters, digits and _"
        elif field.name in found:
            fault = "another plugin has a field of that name"
        elif field.kind not in FIELD_KINDS:
            fault = f"its kind is '{field.kind}', not one of {', '.join(FIELD_KINDS)}"
        elif field.words < 1:
            fault = f"it asks for {field.words} words"
        elif field.words > _MOST_WORDS:
            fault = f"it asks for {field.words} words, {_MOST_WORDS} are the most"
        if fault:
            raise PluginError(f"plugin '{owner}': scoreboard field '{field.name}': {fault}")
        found[field.name] = field
    return tuple(found.values())
