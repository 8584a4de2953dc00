"""The scoreboard's layout, by name: every field, in words of 8 bytes of the machine's byte order.

``VERSION`` changes when a field changes its place or its meaning.  Three kinds of records follow
one another in the memory::

    server record     SERVER, counters that plugins declare, the latest exits and reloads
    slot 0            SLOT, words that plugins declare, request slots
    slot 1            ...

    request slot      0.. requests of the other buckets (reals)  14 client errors
                      15 server errors  16 requests of the first bucket (real)
                      17 bytes sent  18 seconds (real)  19 began (real; 0: free)
                      20.. label, id

What every request writes is together; errors and slow requests are fewer.  A real is exact up to
2**53 of what it counts.

The buckets are those of OpenTelemetry's ``http.server.request.duration``; the last one has no
upper bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct

from hookserve.types import ScoreboardField

VERSION = 9
"""Of this layout."""
WORD = 8
"""Bytes."""
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""The buckets' upper bounds in seconds; a duration that equals one is in its bucket."""
BUCKETS = len(BOUNDS) + 1
"""How many there are, the one without a bound included."""

LABEL_SIZE = 88
"""Bytes of a request's label that are kept."""
ID_SIZE = 40
"""Bytes of a request's id that are kept."""
ROW = (
    *(f"bucket_{number}" for number in range(1, BUCKETS)),
    "client_errors",
    "server_errors",
    "bucket_0",
    "bytes_sent",
    "seconds",
    "began",
)
"""The numbers of a request slot, one word each; after ``began`` come label and id."""
_ROW_FORMAT = f"{BUCKETS - 1}dQQdQdd{LABEL_SIZE + ID_SIZE}x"
BEGAN_WORD = ROW.index("began")
"""Where a request slot has when its request began."""
REQUEST_SLOT_WORDS = len(ROW) + (LABEL_SIZE + ID_SIZE) // WORD
"""How long a request slot is."""
REQUEST_SLOT_SIZE = REQUEST_SLOT_WORDS * WORD
"""The same in bytes."""

COUNTERS = (
    "requests",
    "bytes_sent",
    "client_errors",
    "server_errors",
    "accepted",
    "rejected",
    "saturated",
    "lost",
)
"""What is counted of each worker, and kept when the worker is gone."""
ORDERLY_EXITS = ("recycled", "drained")
"""The kinds of exits that were wanted; every other one is a fault."""
EXIT_KINDS = (
    *ORDERLY_EXITS,
    "boot failed",
    "timed out",
    "killed by us",
    "killed",
    "out of memory",
    "exited",
)
"""`hookserve.types.ExitReason.kind`."""

FIELD_KINDS = ("counter", "gauge", "memory")
"""`hookserve.types.ScoreboardField.kind`."""
SLOT = (
    "state",
    "heartbeat",
    "open_connections",
    "lingering",
    "accepted",
    "rejected",
    "saturated",
    "lost",
    "held",
    "acknowledged",
    "used_request_slots",
    "index",
    "pid",
    "generation",
    "capacity",
    "forked_at",
    "ready_at",
    "awaited",
)
"""The fields of a worker, one word each; moments are in seconds of the monotonic clock."""
_MOMENTS = ("heartbeat", "forked_at", "ready_at")
SERVER = (
    "stopping",
    "version",
    "sequence",
    "pid",
    "started_at",
    "start_time",
    "due",
    "generation",
    "wanted",
    "capacity",
    "reloads_wanted",
    "reloads_ended",
    "shared",
    *COUNTERS,
    "seconds",
    *(f"bucket_{number}" for number in range(BUCKETS)),
    *(f"exits_{kind}" for kind in EXIT_KINDS),
)
"""The fields of the whole server, one word each."""


class Layout:
    """Where everything is, for so many request slots in a worker and these fields of plugins."""

    def __init__(self, request_slots: int, fields: Iterable[ScoreboardField] = ()) -> None:
        self.request_slots = request_slots
        self.fields = tuple(fields)
        self.field_words: dict[str, int] = {}
        """Where in a slot the fields of plugins are."""
        self.total_words: dict[str, int] = {}
        """Where in the server record the totals of plugins' counters are."""
        at, total = len(SLOT), len(SERVER)
        for field in self.fields:
            self.field_words[field.name] = at
            at += field.words
            if field.kind == "counter":
                self.total_words[field.name] = total
                total += field.words
        self.request_slots_word = at
        """Where in a slot the request slots begin."""
        self.slot_words = at + request_slots * REQUEST_SLOT_WORDS
        self.history_word = total
        """Where in the server record the latest exits and reloads are."""
        self._head_format = "".join("d" if name in _MOMENTS else "Q" for name in SLOT)
        for field in self.fields:
            self._head_format += ("d" if field.is_real else "Q") * field.words
        self._records: dict[int, Struct] = {}

    def record(self, rows: int) -> Struct:
        """A slot's words with those of so many request slots, their labels and ids left out."""
        found = self._records.get(rows)
        if found is None:
            found = self._records[rows] = Struct(f"={self._head_format}{_ROW_FORMAT * rows}")
        return found
