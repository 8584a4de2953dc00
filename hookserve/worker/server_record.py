"""What the arbiter writes of the whole server: totals of workers that are gone, exits, reloads.

The arbiter alone writes it.  What must be seen together is written between two steps of the
sequence, which is odd meanwhile: a reader reads again until it was even and has not changed.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

from hookserve.wording import one_line
from hookserve.worker.layout import (
    BUCKETS,
    COUNTERS,
    EXIT_KINDS,
    ORDERLY_EXITS,
    SERVER,
    WORD,
    Layout,
)

if TYPE_CHECKING:
    from hookserve.types import ExitReason
    from hookserve.worker.scoreboard import Slot

_TEXT_SIZE = 200
_ENTRY = Struct(f"=QdQQd{_TEXT_SIZE}s")
"""Number, when it ended, two numbers, how long it took, text."""
_EXITS, _RELOADS = 24, 8
"""How many of the latest are kept; of exits, so many orderly ones and so many others: workers that
are recycled push out nothing that was a fault."""
HISTORY_SIZE = (2 * _EXITS + _RELOADS) * _ENTRY.size


class Exit(NamedTuple):
    """A worker that is gone."""

    number: int
    """1 for the first."""
    at: float
    """Seconds since the epoch."""
    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    pid: int
    lifetime: float
    """Seconds since it was ready; 0.0 when it never was."""
    reason: str

    @property
    def is_orderly(self) -> bool:
        """Whether it was wanted: the worker was recycled, or stopped."""
        return self.reason.startswith(ORDERLY_EXITS)


class ReloadResult(NamedTuple):
    """A reload that has ended."""

    number: int
    """1 for the first."""
    at: float
    """Seconds since the epoch."""
    generation: int
    """That serves since then."""
    is_complete: int
    """1 when it took effect; 0: the old workers serve on."""
    seconds: float
    """From its beginning, 0.0 where that is not known."""
    reason: str
    """Why it did not take effect."""


class _Field:
    def __init__(self, name: str) -> None:
        self._position = SERVER.index(name)

    def __get__(self, record: ServerRecord, _: object = None) -> int:
        return record.words[self._position]

    def __set__(self, record: ServerRecord, value: int) -> None:
        record.words[self._position] = value


class ServerRecord:
    """The first part of the scoreboard's memory."""

    stopping = _Field("stopping")
    """What the whole server does (`Scoreboard.is_stopping`, `Scoreboard.is_draining`)."""
    version = _Field("version")
    sequence = _Field("sequence")
    pid = _Field("pid")
    """The arbiter's."""
    generation = _Field("generation")
    wanted = _Field("wanted")
    """How many workers there are to be."""
    capacity = _Field("capacity")
    """How many requests a worker may have in flight at once."""
    reloads_wanted = _Field("reloads_wanted")
    """How many reloads there are to be that have not ended: 2 when one follows another."""
    reloads_ended = _Field("reloads_ended")
    """The number of the latest `ReloadResult`."""
    shared = _Field("shared")
    """1 while another arbiter accepts from the same listeners, or is about to (an upgrade)."""

    def __init__(self, memory: mmap.mmap, layout: Layout) -> None:
        self._memory = memory
        self._layout = layout
        self._exits_at = layout.history_word * WORD
        self._reloads_at = self._exits_at + 2 * _EXITS * _ENTRY.size
        own = memoryview(memory)[: self._exits_at]
        self.words, self.reals = own.cast("Q"), own.cast("d")
        """The fields, as integers and as real numbers."""

    @property
    def started_at(self) -> float:
        """When the server began, in seconds of the monotonic clock."""
        return self.reals[SERVER.index("started_at")]

    @started_at.setter
    def started_at(self, now: float) -> None:
        self.reals[SERVER.index("started_at")] = now

    @property
    def start_time(self) -> float:
        """The same moment in seconds since the epoch, as the clock was set then."""
        return self.reals[SERVER.index("start_time")]

    @start_time.setter
    def start_time(self, now: float) -> None:
        self.reals[SERVER.index("start_time")] = now

    @property
    def due(self) -> float:
        """When the arbiter does something at the latest, in seconds of the monotonic clock: while
        it sleeps its next deadline, and since when it is awake otherwise."""
        return self.reals[SERVER.index("due")]

    @due.setter
    def due(self, moment: float) -> None:
        self.reals[SERVER.index("due")] = moment

    @contextmanager
    def change(self) -> Iterator[None]:
        """Readers see all that is done inside, or nothing."""
        self.sequence += 1
        try:
            yield
        finally:
            self.sequence += 1

    # Of workers that are gone.

    @property
    def totals(self) -> dict[str, int]:
        """The counters (`hookserve.worker.layout.COUNTERS`)."""
        first = SERVER.index(COUNTERS[0])
        return dict(zip(COUNTERS, self.words[first : first + len(COUNTERS)], strict=True))

    @property
    def buckets(self) -> list[int]:
        """How many requests they served, by the bucket of their duration."""
        first = SERVER.index("bucket_0")
        return self.words[first : first + BUCKETS].tolist()

    @property
    def seconds(self) -> float:
        """How long these requests took together."""
        return self.reals[SERVER.index("seconds")]

    @property
    def exits_by_kind(self) -> dict[str, int]:
        """How many workers are gone, by `ExitReason.kind`."""
        first = SERVER.index(f"exits_{EXIT_KINDS[0]}")
        return dict(zip(EXIT_KINDS, self.words[first : first + len(EXIT_KINDS)], strict=True))

    def field_total(self, name: str) -> Sequence[float]:
        """Of a plugin's counter."""
        at = self._layout.total_words[name]
        field = next(each for each in self._layout.fields if each.name == name)
        end = at + field.words
        return self.reals[at:end].tolist() if field.is_real else self.words[at:end].tolist()

    def add(self, slot: Slot) -> None:
        """Keep what a worker has counted, whose slot is about to be given back."""
        record = slot.record()
        counters, sums = record.counters, record.sums
        for name in COUNTERS:
            self.words[SERVER.index(name)] += counters[name]
        first = SERVER.index("bucket_0")
        for number, count in enumerate(sums.buckets):
            self.words[first + number] += int(count)
        self.reals[SERVER.index("seconds")] += sums.seconds
        values = record.fields
        for field in self._layout.fields:
            # A worker of an earlier scoreboard may lack a field.
            if field.kind == "counter" and field.name in values:
                at = self._layout.total_words[field.name]
                for number, value in enumerate(values[field.name], at):
                    if field.is_real:
                        self.reals[number] += value
                    else:
                        self.words[number] += int(value)

    def copy(self, other: ServerRecord) -> None:
        """Go on with what another scoreboard has kept; of plugins' counters, those of the same
        name."""
        self.stopping = other.stopping
        first, end = SERVER.index("pid"), len(SERVER)
        self.words[first:end] = other.words[first:end]
        history = self._memory_of(HISTORY_SIZE)
        history[:] = other._memory_of(HISTORY_SIZE)
        for name in self._layout.total_words.keys() & other._layout.total_words.keys():
            for number, value in enumerate(other.field_total(name)):
                at = self._layout.total_words[name] + number
                if isinstance(value, int):
                    self.words[at] = value
                else:
                    self.reals[at] = value

    def _memory_of(self, size: int) -> memoryview:
        return memoryview(self._memory)[self._exits_at : self._exits_at + size]

    # The latest exits and reloads.

    def add_exit(self, at: float, slot: Slot, lifetime: float, reason: ExitReason) -> None:
        """A worker is gone; `at` is in seconds since the epoch."""
        if reason.kind in EXIT_KINDS:
            self.words[SERVER.index(f"exits_{reason.kind}")] += 1
        counts = self.exits_by_kind
        number = sum(counts.values())
        orderly = sum(counts[kind] for kind in ORDERLY_EXITS)
        is_orderly = reason.kind in ORDERLY_EXITS
        place = orderly % _EXITS if is_orderly else _EXITS + (number - orderly) % _EXITS
        values = number, at, slot.index, slot.pid, lifetime, _text(str(reason))
        _ENTRY.pack_into(self._memory, self._exits_at + place * _ENTRY.size, *values)

    def add_reload(self, at: float, seconds: float, reason: str, *, is_complete: bool) -> None:
        """A reload has ended."""
        number = self.reloads_ended + 1
        values = number, at, self.generation, int(is_complete), seconds, _text(reason)
        place = self._reloads_at + number % _RELOADS * _ENTRY.size
        _ENTRY.pack_into(self._memory, place, *values)
        self.reloads_ended = number

    def exits(self) -> list[Exit]:
        """The latest orderly ones and the latest others, the newest first."""
        entries = self._read(self._exits_at, 2 * _EXITS)
        return sorted((Exit._make([*values, text]) for values, text in entries), reverse=True)

    def reloads(self) -> list[ReloadResult]:
        """The latest, the newest first."""
        entries = self._read(self._reloads_at, _RELOADS)
        found = (ReloadResult._make([*values, text]) for values, text in entries)
        return sorted(found, reverse=True)

    def _read(self, at: int, count: int) -> Iterator[tuple[list[Any], str]]:  # Any: as packed
        for each in range(count):
            *values, text = _ENTRY.unpack_from(self._memory, at + each * _ENTRY.size)
            if values[0]:
                yield values, text.rstrip(b"\0").decode("utf-8", "ignore")


def _text(text: str) -> bytes:
    return one_line(text, _TEXT_SIZE).encode("utf-8", "replace")
