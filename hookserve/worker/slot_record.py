"""What a slot of the scoreboard has, read at once: one call whatever its size."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Sequence
from operator import add, itemgetter
from typing import Any, NamedTuple

from hookserve.worker.layout import ROW, SLOT, Layout

_BEGAN = ROW.index("began")
_NO_ROW = [0] * len(ROW)


def words_of(*names: str) -> Callable[[Sequence[Any]], tuple[Any, ...]]:  # Any: as packed
    """A function that picks the fields of these names (`hookserve.worker.layout.SLOT`) from the
    words of a record."""
    return itemgetter(*map(SLOT.index, names))


_pick_counters = words_of("open_connections", "accepted", "rejected", "saturated", "lost")


class RequestSums(NamedTuple):
    """What a worker's finished requests come to."""

    buckets: list[float]
    """How many there were, by the bucket of their duration (`hookserve.worker.layout.BOUNDS`);
    whole numbers."""
    seconds: float
    """All their durations."""
    bytes_sent: int
    client_errors: int
    server_errors: int


class SlotRecord(NamedTuple):
    """A worker's part of the scoreboard at one moment."""

    words: Sequence[Any]  # Any: as packed
    """The fields of the worker first, in the order of `hookserve.worker.layout.SLOT`
    (`words_of`)."""
    sums: RequestSums
    busy: int
    """How many requests are in flight."""
    oldest_began: float
    """When the oldest of them began, in seconds of the monotonic clock; 0.0: there is none."""
    fields: dict[str, list[float]]
    """What plugins have declared, by name."""

    @property
    def counters(self) -> dict[str, int]:
        """What the worker has done so far."""
        connections, accepted, rejected, saturated, lost = _pick_counters(self.words)
        sums = self.sums
        return {
            "requests": int(sum(sums.buckets)),
            "bytes_sent": sums.bytes_sent,
            "client_errors": sums.client_errors,
            "server_errors": sums.server_errors,
            "connections": connections,
            "accepted": accepted,
            "rejected": rejected,
            "saturated": saturated,
            "lost": lost,
        }


def read_slot(memory: mmap.mmap, offset: int, layout: Layout, rows: int) -> SlotRecord:
    """The slot at that offset, with its first `rows` request slots."""
    words = layout.record(rows).unpack_from(memory, offset)
    numbers, width = words[layout.request_slots_word :], len(ROW)
    columns: Iterable[Any] = numbers[:width] or _NO_ROW
    for at in range(width, len(numbers), width):
        columns = map(add, columns, numbers[at : at + width])
    *others, client_errors, server_errors, quick, sent, seconds, _ = columns
    began = list(filter(None, numbers[_BEGAN::width]))
    return SlotRecord(
        words,
        RequestSums([quick, *others], seconds, sent, client_errors, server_errors),
        len(began),
        min(began, default=0.0),
        {
            each.name: list(words[at : at + each.words])
            for each, at in zip(layout.fields, layout.field_words.values(), strict=True)
        },
    )
