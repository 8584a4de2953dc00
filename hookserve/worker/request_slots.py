"""A row in a worker's table of requests in flight: what a request costs the scoreboard.

`RequestSlot.begin` and `RequestSlot.end` are on the path of every request: one store each for a
request that is quick and no error.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from struct import Struct
from time import monotonic

from hookserve.worker.layout import (
    BEGAN_WORD,
    BOUNDS,
    ID_SIZE,
    LABEL_SIZE,
    RARE_WORD,
    REQUEST_SLOT_SIZE,
    WORD,
)

CLIENT_ERROR, SERVER_ERROR = 4, 5
"""The two classes of a result that are counted; a protocol maps its own status to them."""

_BEGAN_AT = BEGAN_WORD * WORD
_BEGAN = Struct("=d")
_NEVER = (0.0,)
BEGIN = Struct(f"=d{LABEL_SIZE}s{ID_SIZE}s")
"""When, label, id."""
_END = Struct("=QQdd")
_QUICK = BOUNDS[0]
"""The first bucket's bound in seconds: most requests are in it, and it is stored with the rest."""


class RequestSlot:
    """One row; owned by one thread or greenlet while its request runs, so it needs no lock."""

    __slots__ = (
        "_began_at",
        "_memory",
        "_offset",
        "_quick",
        "_rare",
        "_seconds",
        "_sent",
        "began",
        "number",
    )

    def __init__(self, memory: mmap.mmap | bytearray, offset: int, number: int = -1) -> None:
        self.number = number
        """Of its row; -1 where no other process sees it."""
        self._memory = memory
        self._offset = offset
        self._began_at = offset + _BEGAN_AT
        self._quick = self._sent = 0
        self._seconds = 0.0
        rare = offset + RARE_WORD * WORD
        self._rare = memoryview(memory)[rare : offset + REQUEST_SLOT_SIZE].cast("Q")
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

    def end(self, status_class: int, sent: int) -> None:
        """The request is over, with `sent` bytes of body; errors are `CLIENT_ERROR`, and
        `SERVER_ERROR` and above; any other class is counted as a request only.
        """
        seconds = monotonic() - self.began
        if seconds <= _QUICK:
            self._quick += 1
        else:
            self._rare[bisect_left(BOUNDS, seconds) + 1] += 1
        if status_class >= CLIENT_ERROR:
            self._rare[status_class >= SERVER_ERROR] += 1
        self._seconds += seconds
        self._sent += sent
        _END.pack_into(self._memory, self._offset, self._quick, self._sent, self._seconds, 0.0)
