"""A row in a worker's table of requests in flight: what a request costs the scoreboard.

`RequestSlot.begin` and `RequestSlot.end` are on the path of every request.  Sums are stored word by
word: other processes see 8 bytes whole, while `struct.pack_into` clears them before it packs, and a
sum would seem to fall.  What most requests count is a real (`hookserve.worker.layout`), for a float
is made and stored more quickly than an int.
"""

from __future__ import annotations

import mmap
from struct import Struct, calcsize
from time import monotonic
from typing import Literal

from hookserve.worker.layout import (
    BEGAN_WORD,
    BOUNDS,
    ID_SIZE,
    LABEL_SIZE,
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
_UNSIGNED: Literal["L", "Q"] = "L" if calcsize("L") == WORD else "Q"
"""Of what has more than 30 bits, L is stored more quickly."""


class RequestSlot:
    """One row; owned by one thread or greenlet while its request runs, so it needs no lock."""

    __slots__ = (
        "_began_at",
        "_memory",
        "_others",
        "_quick",
        "_reals",
        "_seconds",
        "_sent",
        "_words",
        "began",
        "number",
    )

    def __init__(self, memory: mmap.mmap | bytearray, offset: int, number: int = -1) -> None:
        self.number = number
        """Of its row; -1 where no other process sees it."""
        self._memory = memory
        self._began_at = offset + _BEGAN_AT
        self._sent = 0
        self._quick = self._seconds = 0.0
        self._others = [0.0] * len(BOUNDS)  # as stored: to read them back costs more
        own = memoryview(memory)[offset : offset + REQUEST_SLOT_SIZE]
        self._words, self._reals = own.cast(_UNSIGNED), own.cast("d")
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

    def end(self, status_class: int, sent: int) -> float:
        """The request is over, with `sent` bytes of body; errors are `CLIENT_ERROR`, and
        `SERVER_ERROR` and above; any other class is counted as a request only.  Returns the time,
        in seconds of the monotonic clock.
        """
        now = monotonic()
        seconds = now - self.began
        reals = self._reals
        # By comparisons, for bisect_left(BOUNDS, seconds) costs more than all the rest; with
        # literal bounds and places (`hookserve.worker.layout`): each name costs a look-up.
        if seconds <= 0.005:
            reals[16] = self._quick = self._quick + 1.0
        else:
            if seconds <= 0.1:
                if seconds <= 0.025:
                    place = 0 if seconds <= 0.01 else 1
                else:
                    place = 2 if seconds <= 0.05 else 3 if seconds <= 0.075 else 4
            elif seconds <= 1.0:
                if seconds <= 0.5:
                    place = 5 if seconds <= 0.25 else 6
                else:
                    place = 7 if seconds <= 0.75 else 8
            elif seconds <= 5.0:
                place = 9 if seconds <= 2.5 else 10
            else:
                place = 11 if seconds <= 7.5 else 12 if seconds <= 10.0 else 13
            others = self._others
            reals[place] = others[place] = others[place] + 1.0
        if status_class >= 4:
            self._words[14 if status_class == CLIENT_ERROR else 15] += 1
        self._words[17] = self._sent = self._sent + sent
        reals[18] = self._seconds = self._seconds + seconds
        reals[19] = 0.0
        return now
