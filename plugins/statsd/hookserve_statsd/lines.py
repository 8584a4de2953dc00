"""What is sent: gunicorn's metrics as lines of the statsd protocol, in datagrams of many lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from random import random

from hookserve_statsd.table import LOG_NAMES, Reading

DATAGRAM = 1432
"""Bytes that one packet of an Ethernet carries; statsd's own documentation advises it."""
_LEAST_TIMERS = 8


class Lines:
    """Makes lines of readings, with one prefix and the same tags on each."""

    def __init__(self, prefix: str, tags: str) -> None:
        self._prefix = re.sub(r"^(.+[^.]+)\.*$", r"\1.", prefix)  # as gunicorn does
        self._tags = f"|#{tags}" if tags else ""

    def datagrams(self, readings: Sequence[Reading], workers: int, backlog: int) -> list[bytes]:
        """What to send for an interval; a negative backlog is left out."""
        counters = [self._line("workers", workers, "g")]
        if backlog >= 0:
            counters.append(self._line("backlog", backlog, "h"))
        statuses: dict[int, int] = {}
        for reading in readings:
            for status, count in reading.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
        if statuses:
            counters.append(self._line("requests", sum(statuses.values()), "c"))
        for status, count in sorted(statuses.items()):
            counters.append(self._line(f"request.status.{status}", count, "c"))
        for number, name in enumerate(LOG_NAMES):
            if count := sum(reading.logs[number] for reading in readings):
                counters.append(self._line(f"log.{name}", count, "c"))
        return pack([*counters, *self._timers(readings, pack(counters))])

    def own(self, name: str, value: object, kind: str) -> bytes:
        """A metric that the application or a hook sends; its name is without ``gunicorn.``."""
        return f"{self._prefix}{name}:{value}|{kind}{self._tags}".encode()

    def _timers(self, readings: Sequence[Reading], before: Sequence[bytes]) -> list[bytes]:
        """A sample of the durations, as large as fits into the last datagram."""
        total = sum(reading.seen for reading in readings)
        longest = len(self._timer(1e5, 1e-6)) + 1
        most = max(_LEAST_TIMERS, (DATAGRAM - len(before[-1])) // longest)
        if total <= most and all(len(each.durations) == each.seen for each in readings):
            chosen, rate = [each for reading in readings for each in reading.durations], 1.0
        else:
            most = min(most, total)
            chosen, rate = _choose(readings, total, most), most / total
        return [self._timer(seconds * 1000, rate) for seconds in chosen]

    def _timer(self, milliseconds: float, rate: float) -> bytes:
        return self._line("request.duration", f"{milliseconds:.3f}", "ms", rate)

    def _line(self, name: str, value: object, kind: str, rate: float = 1.0) -> bytes:
        sampled = f"|@{rate:.6g}" if rate != 1.0 else ""
        return f"{self._prefix}gunicorn.{name}:{value}|{kind}{sampled}{self._tags}".encode()


def _choose(readings: Sequence[Reading], total: int, count: int) -> list[float]:
    """`count` durations, each process's share as large as that of its requests."""
    step = total / count
    position, reached = random() * step, 0.0
    chosen: list[float] = []
    for reading in readings:
        for seconds in reading.durations:
            reached += reading.seen / len(reading.durations)
            while position < reached and len(chosen) < count:
                chosen.append(seconds)
                position += step
    return chosen


def pack(lines: Iterable[bytes], size: int = DATAGRAM) -> list[bytes]:
    """The lines in as few datagrams as their order allows, of at most `size` bytes each."""
    found: list[bytes] = []
    for line in lines:
        if found and len(found[-1]) + 1 + len(line) <= size:
            found[-1] += b"\n" + line
        else:
            found.append(line)
    return found
