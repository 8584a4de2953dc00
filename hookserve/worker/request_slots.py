"""A row in a worker's table of requests in flight: what a request costs the scoreboard.

`RequestSlot.begin` and `RequestSlot.end` are on the path of every request.  Sums are stored word by
word: other processes see 8 bytes whole, while `struct.pack_into` clears them before it packs, and a
sum would seem to fall.  What most requests count is a real (`hookserve.worker.layout`), for a float
is made and stored more quickly than an int.
"""

from __future__ import annotations

import mmap
from struct import Struct

from hookserve.worker.cells import real_cell, unsigned_cell
from hookserve.worker.layout import (
    BEGAN_WORD,
    BUCKETS,
    ID_SIZE,
    LABEL_SIZE,
    REQUEST_SLOT_SIZE,
    ROW,
    WORD,
)

CLIENT_ERROR, SERVER_ERROR = 4, 5
"""The two classes of a result that are counted; a protocol maps its own status to them."""

_BEGAN_AT = BEGAN_WORD * WORD
_BEGAN = Struct("=d")
_NEVER = (0.0,)
BEGIN = Struct(f"=d{LABEL_SIZE}s{ID_SIZE}s")
"""When, label, id."""
_CLIENT_ERRORS, _SERVER_ERRORS = ROW.index("client_errors"), ROW.index("server_errors")
_SENT, _SECONDS = ROW.index("bytes_sent"), ROW.index("seconds")


class RequestSlot:
    """One row; owned by one thread or greenlet while its request runs, so it needs no lock.

    Which bucket a duration belongs to is found by comparisons, for bisect_left(BOUNDS, seconds)
    costs more than all the rest; literal bounds, and an attribute for each bucket, spare look-ups.
    """

    __slots__ = (
        *(f"_bucket_{number}" for number in range(BUCKETS)),
        *(f"_count_{number}" for number in range(BUCKETS)),
        "_began",
        "_began_at",
        "_memory",
        "_seconds",
        "_seconds_so_far",
        "_sent",
        "_sent_so_far",
        "_words",
        "began",
        "number",
    )

    def __init__(self, memory: mmap.mmap | bytearray, offset: int, number: int = -1) -> None:
        self.number = number
        """Of its row; -1 where no other process sees it."""
        self._memory = memory
        self._began_at = offset + _BEGAN_AT
        own = memoryview(memory)[offset : offset + REQUEST_SLOT_SIZE]
        self._words = own.cast("Q")
        self._sent, self._seconds = unsigned_cell(own, _SENT), real_cell(own, _SECONDS)
        self._began = real_cell(own, BEGAN_WORD)
        cell: memoryview[float] | _Unmade = _Unmade(self)
        self._bucket_0 = self._bucket_1 = self._bucket_2 = self._bucket_3 = self._bucket_4 = cell
        self._bucket_5 = self._bucket_6 = self._bucket_7 = self._bucket_8 = self._bucket_9 = cell
        self._bucket_10 = self._bucket_11 = self._bucket_12 = cell
        self._bucket_13 = self._bucket_14 = cell
        # What the cells hold: to read it back costs more.
        self._count_0 = self._count_1 = self._count_2 = self._count_3 = self._count_4 = 0.0
        self._count_5 = self._count_6 = self._count_7 = self._count_8 = self._count_9 = 0.0
        self._count_10 = self._count_11 = self._count_12 = self._count_13 = self._count_14 = 0.0
        self._seconds_so_far, self._sent_so_far = 0.0, 0
        self.began = 0.0
        """When the request began, in seconds of the monotonic clock."""

    def begin(self, now: float, label: bytes, request_id: bytes = b"") -> None:
        """A request begins at `now` (monotonic seconds); the label is cut to the table's width."""
        self.began = now
        BEGIN.pack_into(self._memory, self._began_at, now, label, request_id)

    @property
    def label(self) -> bytes:
        """What the protocol has named the request by, cut to the table's width."""
        return bytes(BEGIN.unpack_from(self._memory, self._began_at)[1])

    @property
    def is_running(self) -> bool:
        """Whether a request has begun and not ended."""
        return _BEGAN.unpack_from(self._memory, self._began_at) != _NEVER

    def end(self, now: float, status_class: int, sent: int) -> None:
        """The request is over at `now`, as in `begin`; the rest is as of `Worker.end`."""
        if (seconds := now - self.began) <= 0.005:
            self._count_0 = self._bucket_0[()] = self._count_0 + 1.0
        elif seconds <= 0.1:
            if seconds <= 0.01:
                self._count_1 = self._bucket_1[()] = self._count_1 + 1.0
            elif seconds <= 0.025:
                self._count_2 = self._bucket_2[()] = self._count_2 + 1.0
            elif seconds <= 0.05:
                self._count_3 = self._bucket_3[()] = self._count_3 + 1.0
            elif seconds <= 0.075:
                self._count_4 = self._bucket_4[()] = self._count_4 + 1.0
            else:
                self._count_5 = self._bucket_5[()] = self._count_5 + 1.0
        elif seconds <= 1.0:
            if seconds <= 0.25:
                self._count_6 = self._bucket_6[()] = self._count_6 + 1.0
            elif seconds <= 0.5:
                self._count_7 = self._bucket_7[()] = self._count_7 + 1.0
            elif seconds <= 0.75:
                self._count_8 = self._bucket_8[()] = self._count_8 + 1.0
            else:
                self._count_9 = self._bucket_9[()] = self._count_9 + 1.0
        elif seconds <= 5.0:
            if seconds <= 2.5:
                self._count_10 = self._bucket_10[()] = self._count_10 + 1.0
            else:
                self._count_11 = self._bucket_11[()] = self._count_11 + 1.0
        elif seconds <= 7.5:
            self._count_12 = self._bucket_12[()] = self._count_12 + 1.0
        elif seconds <= 10.0:
            self._count_13 = self._bucket_13[()] = self._count_13 + 1.0
        else:
            self._count_14 = self._bucket_14[()] = self._count_14 + 1.0
        if status_class >= 4:
            self._words[_CLIENT_ERRORS if status_class == CLIENT_ERROR else _SERVER_ERRORS] += 1
        self._sent[()] = self._sent_so_far = self._sent_so_far + sent
        self._seconds[()] = self._seconds_so_far = self._seconds_so_far + seconds
        self._began[()] = 0.0

    def make_cell(self) -> None:
        """Of the bucket in which the first request has just been counted."""
        for number in range(BUCKETS):
            count = getattr(self, f"_count_{number}")
            if count and isinstance(getattr(self, f"_bucket_{number}"), _Unmade):
                cell = real_cell(self._words.cast("B"), ROW.index(f"bucket_{number}"))
                cell[()] = count
                setattr(self, f"_bucket_{number}", cell)


class _Unmade:
    """In the place of a bucket's cell until a request is counted there: a cell has 200 bytes, and
    the row that a websocket holds counts in one bucket of 15."""

    __slots__ = ("_slot",)

    def __init__(self, slot: RequestSlot) -> None:
        self._slot = slot

    def __setitem__(self, where: object, count: float) -> None:
        self._slot.make_cell()  # which one, the counts say: they are set first
