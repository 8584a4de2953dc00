"""Reads the scoreboard as one consistent record, in any process that has it mapped.

A reader needs no lock and no other process: it works while every worker, or the arbiter, is stuck.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hookserve.types import RequestInFlight
from hookserve.worker.layout import SLOT, VERSION
from hookserve.worker.scoreboard import DRAINING, GONE, READY, STATES, Scoreboard, Slot
from hookserve.worker.server_record import Exit, ReloadResult
from hookserve.worker.slot_record import SlotRecord, words_of

_ATTEMPTS = 100
_STATE, _PID = SLOT.index("state"), SLOT.index("pid")


class WorkerReading(NamedTuple):
    """One worker; moments are in seconds of the monotonic clock."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    """0..N-1; of two with one index the older one is being replaced."""
    pid: int
    """Its process id."""
    generation: int
    """That it was forked for."""
    state: str
    """``booting``, ``ready`` or ``draining``, as the worker itself has it.  One that is stuck does
    not read that it is retired: it is ``draining`` once another serves in its place, or it is not
    wanted any more."""
    heartbeat: float
    """Its last sign of life."""
    forked_at: float
    """When it began to boot."""
    ready_at: float
    """0.0: not yet."""
    busy: int
    """Requests in flight."""
    capacity: int
    """How many it may have in flight at once."""
    connections: int
    """Open connections; those without a request in flight are idle, or have just begun."""
    counters: Mapping[str, int]
    """By `hookserve.worker.layout.COUNTERS`."""
    buckets: Sequence[float]
    """Finished requests by their duration, not cumulative (`hookserve.worker.layout.BOUNDS`); whole
    numbers."""
    seconds: float
    """Their durations together."""
    fields: Mapping[str, Sequence[float]]
    """What plugins have declared (`hookserve.types.ScoreboardField`)."""
    oldest_began: float
    """When the oldest request in flight began; 0.0: there is none."""


class Reading(NamedTuple):
    """The whole server at one moment."""

    version: int
    """Of the layout."""
    now: float
    """When it was read, in seconds of the monotonic clock."""
    started_at: float
    """When the server began, in seconds of the monotonic clock."""
    start_time: float
    """The same moment in seconds since the epoch; it stays when the clock is set."""
    pid: int
    """The arbiter's."""
    overdue: float
    """For how many seconds the arbiter has not done what is due; while it works, for how long it
    has been awake."""
    generation: int
    """The number of the current generation."""
    wanted: int
    """How many workers there are to be."""
    is_draining: bool
    """Whether the whole server was told to stop, though it may accept for `drain_delay`."""
    is_stopping: bool
    """Whether it accepts no more: it stops, and its drain delay is over."""
    reloads_wanted: int
    """Reloads that have not ended."""
    reloads_ended: int
    """The number of the latest result."""
    workers: Sequence[WorkerReading]
    """Those whose processes exist, by index, the oldest first."""
    counters: Mapping[str, int]
    """Sums over all workers that ever were: no counter ever falls."""
    buckets: Sequence[int]
    """Sums, as the counters."""
    seconds: float
    """A sum, as the counters."""
    fields: Mapping[str, Sequence[float]]
    """What plugins have declared: sums over all workers, for counters those that are gone too."""
    exits_by_kind: Mapping[str, int]
    """How many workers are gone, by `ExitReason.kind`."""
    exits: Sequence[Exit]
    """The latest orderly ones and the latest others, the newest first."""
    reloads: Sequence[ReloadResult]
    """The latest, the newest first."""

    @property
    def serving_generation(self) -> int:
        """The newest generation of which a worker was ready: during a reload that can still fail,
        the one before the current."""
        found = (each.generation for each in self.workers if each.ready_at)
        return max(found, default=self.generation)


class Reader:
    """Reads scoreboards: the current one first, then those that older workers write to
    (`hookserve.server.Server.scoreboards`)."""

    def __init__(self, scoreboards: Sequence[Scoreboard]) -> None:
        self._scoreboards = scoreboards
        self._server = scoreboards[0].server
        self._slots = [
            scoreboard.slot(number)
            for scoreboard in scoreboards
            for number in range(scoreboard.slots)
        ]
        self.fields = scoreboards[0].layout.fields
        """What plugins have declared, of the current scoreboard."""

    def read(self) -> Reading:
        """Everything but the requests in flight."""
        for _ in range(_ATTEMPTS):
            before = self._sequences()
            reading = self._read()
            if before == self._sequences() and not any(each & 1 for each in before):
                break
            time.sleep(0)  # the arbiter is folding a worker's counters into the totals
        return reading

    def in_flight(self, now: float | None = None) -> list[tuple[int, int, RequestInFlight]]:
        """The index and the process id of a worker, and a request that it has begun and not
        finished; the oldest request first."""
        found = [
            (slot.index, slot.pid, request)
            for slot in self._owned()
            if slot.words[_STATE] != GONE
            for request in slot.in_flight(now)
        ]
        return sorted(found, key=lambda each: -each[2].elapsed)

    def _sequences(self) -> list[int]:
        return [each.server.sequence for each in self._scoreboards]

    def _owned(self) -> list[Slot]:
        """The slots whose counters are a worker's.  One that ends is gone by its own word before
        the arbiter adds its counters to the totals."""
        return [each for each in self._slots if each.words[_PID]]

    def _read(self) -> Reading:
        server = self._server
        counted = sorted(
            [_describe(slot.record()) for slot in self._owned()],
            key=lambda worker: (worker.index, worker.forked_at),
        )
        workers = self._with_retired([each for each in counted if each.state != STATES[GONE]])
        counters = {
            name: kept + sum([worker.counters[name] for worker in counted])
            for name, kept in server.totals.items()
        }
        columns = zip(server.buckets, *(worker.buckets for worker in counted), strict=True)
        now = time.monotonic()
        return Reading(
            VERSION,
            now,
            server.started_at,
            server.start_time,
            server.pid,
            max(0.0, now - server.due) if server.due else 0.0,
            server.generation,
            server.wanted,
            self._scoreboards[0].is_draining,
            self._scoreboards[0].is_stopping,
            server.reloads_wanted,
            server.reloads_ended,
            workers,
            counters,
            list(map(int, map(sum, columns))),
            server.seconds + sum(worker.seconds for worker in counted),
            self._sum_fields(counted),
            server.exits_by_kind,
            server.exits(),
            server.reloads(),
        )

    def _with_retired(self, workers: Sequence[WorkerReading]) -> list[WorkerReading]:
        """The same, with those as ``draining`` that are retired and have not read it."""
        ready, server = STATES[READY], self._server
        # Until it has published anything, no number of workers is known.
        end = server.wanted if server.due else math.inf
        if self._scoreboards[0].is_stopping:
            end = 0
        newest = {each.index: each for each in workers if each.state == ready}
        return [
            each._replace(state=STATES[DRAINING])
            if each.state == ready and (each.index >= end or each is not newest[each.index])
            else each
            for each in workers
        ]

    def _sum_fields(self, workers: Sequence[WorkerReading]) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for field in self.fields:
            kept, of = [0.0] * field.words, workers
            if field.kind == "counter":
                kept = list(self._server.field_total(field.name))
            else:
                of = [each for each in workers if each.state != STATES[GONE]]
            columns = [each.fields[field.name] for each in of if field.name in each.fields]
            found[field.name] = [sum(values) for values in zip(kept, *columns, strict=False)]
        return found


_pick_head = words_of(
    "index",
    "pid",
    "generation",
    "state",
    "heartbeat",
    "forked_at",
    "ready_at",
    "capacity",
    "open_connections",
)


def _describe(record: SlotRecord) -> WorkerReading:
    index, pid, generation, state, heartbeat, forked_at, ready_at, capacity, connections = (
        _pick_head(record.words)
    )
    return WorkerReading(
        index,
        pid,
        generation,
        STATES[state] if state < len(STATES) else "unknown",
        heartbeat,
        forked_at,
        ready_at,
        record.busy,
        capacity,
        connections,
        record.counters,
        record.sums.buckets,
        record.sums.seconds,
        record.fields,
        record.oldest_began,
    )
