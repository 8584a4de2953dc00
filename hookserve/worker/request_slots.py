"""A row in a worker's table of requests in flight: what a request costs the scoreboard.

`RequestSlot.begin` and `RequestSlot.end` are on the path of every request: one store each for a
request that is quick and no error.
"""

from __future__ import annotations

import mmap
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
_5MS, _10MS, _25MS, _50MS, _75MS, _100MS, _250MS, _500MS, _750MS, _1S, _2S5, _5S, _7S5, _10S = (
    BOUNDS
)


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
        # By comparisons, for bisect_left(BOUNDS, seconds) costs more than all the rest.  Most
        # requests are in the first bucket, which is stored with the sums.
        if seconds <= _5MS:
            self._quick += 1
        elif seconds <= _100MS:
            if seconds <= _25MS:
                self._rare[2 if seconds <= _10MS else 3] += 1
            else:
                self._rare[4 if seconds <= _50MS else 5 if seconds <= _75MS else 6] += 1
        elif seconds <= _1S:
            if seconds <= _500MS:
                self._rare[7 if seconds <= _250MS else 8] += 1
            else:
                self._rare[9 if seconds <= _750MS else 10] += 1
        elif seconds <= _5S:
            self._rare[11 if seconds <= _2S5 else 12] += 1
        else:
            self._rare[13 if seconds <= _7S5 else 14 if seconds <= _10S else 15] += 1
        if status_class >= CLIENT_ERROR:
            self._rare[status_class >= SERVER_ERROR] += 1
        self._seconds += seconds
        self._sent += sent
        _END.pack_into(self._memory, self._offset, self._quick, self._sent, self._seconds, 0.0)
