"""Counters of one process, in memory that it shares with the arbiter.

A process writes its own table with plain stores; the arbiter reads all of them once a second.  No
request costs a system call.

Layout, in words of 8 bytes::

    0 epoch  1, 2 requests of an even and of an odd epoch  3..6 log records by level
    7.. requests by status, 100 to 999  then durations of an even and of an odd epoch

The arbiter begins an epoch each time it has read.  The durations of an epoch are a uniform sample
of its requests (Vitter's algorithm R), of which the arbiter reads one while the process writes the
other.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Sequence
from random import random
from typing import NamedTuple

SAMPLE = 32
LOG_NAMES = ("critical", "error", "warning", "exception")
_WORD = 8
_EPOCH, _SEEN, _LOGS, _STATUSES = 0, 1, 3, 7
_LEAST, _BEYOND = 100, 1000
_WORDS = _STATUSES + _BEYOND - _LEAST


class Reading(NamedTuple):
    """What has happened in one process since the last reading."""

    logs: list[int]
    """In the order of `LOG_NAMES`."""
    statuses: dict[int, int]
    seen: int
    """How many requests the durations are a sample of."""
    durations: Sequence[float]
    """In seconds."""


class Table:
    """The table of one process; made in the arbiter before the fork."""

    def __init__(self) -> None:
        memory = memoryview(mmap.mmap(-1, (_WORDS + 2 * SAMPLE) * _WORD))
        self._words = memory[: _WORDS * _WORD].cast("Q")
        self._durations = memory[_WORDS * _WORD :].cast("d")
        self._lock = threading.Lock()
        self._last = self._words.tolist()

    def count_request(self, status: int, seconds: float) -> None:
        """Count a request, in the process that the table is for; a status out of range is left
        out."""
        if not _LEAST <= status < _BEYOND:
            return
        words = self._words
        with self._lock:
            words[_STATUSES + status - _LEAST] += 1
            odd = words[_EPOCH] & 1
            number = words[_SEEN + odd]
            words[_SEEN + odd] = number + 1
            place = number if number < SAMPLE else int(random() * (number + 1))
            if place < SAMPLE:
                self._durations[odd * SAMPLE + place] = seconds

    def count_log(self, name: str) -> None:
        """Count a log record; without the lock, for a signal handler may log."""
        self._words[_LOGS + LOG_NAMES.index(name)] += 1

    def read(self) -> Reading:
        """What has happened since the last call, in the arbiter; begins an epoch."""
        words = self._words
        odd = words[_EPOCH] & 1
        words[_EPOCH] += 1
        seen = words[_SEEN + odd]
        start = odd * SAMPLE
        durations: Sequence[float] = self._durations[start : start + min(seen, SAMPLE)].tolist()
        words[_SEEN + odd] = 0
        now, before = words.tolist(), self._last
        self._last = now
        logs = [now[_LOGS + each] - before[_LOGS + each] for each in range(len(LOG_NAMES))]
        statuses = {
            number - _STATUSES + _LEAST: now[number] - before[number]
            for number in range(_STATUSES, _WORDS)
            if now[number] != before[number]
        }
        return Reading(logs, statuses, seen, durations)
