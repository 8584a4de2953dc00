"""What a slot of the scoreboard has, read at once: one call whatever its size."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from operator import add
from typing import Any, NamedTuple

from hookserve.worker.layout import ROW, SLOT, Layout

_BEGAN = ROW.index("began")
_BUCKETS_END = ROW.index("client_errors")
_NO_ROW = [0] * len(ROW)


class RequestSums(NamedTuple):
    """What a worker's finished requests come to."""

    buckets: list[int]
    """How many there were, by the bucket of their duration (`hookserve.worker.layout.BOUNDS`)."""
    seconds: float
    """All their durations."""
    bytes_sent: int
    client_errors: int
    server_errors: int


class SlotRecord(NamedTuple):
    """A worker's part of the scoreboard at one moment."""

    head: dict[str, Any]  # Any: as packed
    """The fields of the worker, by `hookserve.worker.layout.SLOT`."""
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
        head, sums = self.head, self.sums
        return {
            "requests": sum(sums.buckets),
            "bytes_sent": sums.bytes_sent,
            "client_errors": sums.client_errors,
            "server_errors": sums.server_errors,
            "connections": head["open_connections"],
            "accepted": head["accepted"],
            "rejected": head["rejected"],
            "saturated": head["saturated"],
            "lost": head["lost"],
        }


def read_slot(memory: mmap.mmap, offset: int, layout: Layout, rows: int) -> SlotRecord:
    """The slot at that offset, with its first `rows` request slots."""
    values = layout.record(rows).unpack_from(memory, offset)
    first, width = layout.request_slots_word, len(ROW)
    columns: Sequence[Any] = values[first:] or _NO_ROW
    if rows > 1:
        columns = values[first : first + width]
        for at in range(first + width, len(values), width):
            columns = list(map(add, columns, values[at : at + width]))
    client_errors, server_errors, quick, sent, seconds, _ = columns[_BUCKETS_END:]
    buckets = list(map(int, (quick, *columns[:_BUCKETS_END])))
    sums = RequestSums(buckets, seconds, sent, client_errors, server_errors)
    began = list(filter(None, values[first + _BEGAN :: width]))
    return SlotRecord(
        dict(zip(SLOT, values, strict=False)),
        sums,
        len(began),
        min(began, default=0.0),
        {
            each.name: list(values[at : at + each.words])
            for each, at in zip(layout.fields, layout.field_words.values(), strict=True)
        },
    )
