"""Rates and percentiles, from counters that are read again and again."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hookserve.worker.layout import BOUNDS

if TYPE_CHECKING:
    from hookserve.worker.reading import Reading

INTERVAL = 10.0
"""Seconds between two samples that are taken without being asked for: one wake-up each."""
_KEPT = 300.0
_LEAST = 0.9
"""Seconds between two samples that are kept."""
_WINDOW = 10.0
"""Seconds over which rates are taken, at least half of it where there is as much."""


class Sample(NamedTuple):
    """The counters at one moment."""

    at: float
    """Seconds of the monotonic clock."""
    requests: int
    bytes_sent: int
    client_errors: int
    server_errors: int
    refused: int
    """After `queue_timeout`; in none of the others."""
    buckets: Sequence[int]
    busy: int
    cpu_seconds: float


class Rates(NamedTuple):
    """What has happened in the last seconds."""

    seconds: float
    """How long that is."""
    requests: float
    """Each second, as are the next four."""
    bytes_sent: float
    client_errors: float
    server_errors: float
    refused: float
    """After `queue_timeout`; in none of the others."""
    cpu: float
    """Processors in use."""
    percentiles: dict[str, float | None]
    """``p50``, ``p95`` and ``p99`` of the durations in seconds; `None`: there was no request."""


class Samples:
    """The counters of the last minutes."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque()

    def add(self, reading: Reading, cpu_seconds: float) -> None:
        """Keep a reading, unless the last one is too young."""
        if self._samples and reading.now - self._samples[-1].at < _LEAST:
            return
        counters, busy = reading.counters, sum(each.busy for each in reading.workers)
        self._samples.append(
            Sample(
                reading.now,
                counters["requests"],
                counters["bytes_sent"],
                counters["client_errors"],
                counters["server_errors"],
                counters["saturated"],
                tuple(reading.buckets),
                busy,
                cpu_seconds,
            )
        )
        while self._samples[0].at < reading.now - _KEPT:
            self._samples.popleft()

    def rates(self) -> Rates:
        """Of the last `_WINDOW` seconds, or of what there is."""
        last = self._samples[-1]
        earlier = [each for each in self._samples if each.at <= last.at - _WINDOW / 2]
        first = earlier[-1] if earlier else self._samples[0]
        # The oldest within the window, so that a rate does not jump with every sample.
        for each in self._samples:
            if last.at - _WINDOW <= each.at <= last.at - _WINDOW / 2:
                first = each
                break
        seconds = last.at - first.at
        buckets = [new - old for new, old in zip(last.buckets, first.buckets, strict=True)]
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
        return Rates(
            seconds,
            _rate(last.requests - first.requests, seconds),
            _rate(last.bytes_sent - first.bytes_sent, seconds),
            _rate(last.client_errors - first.client_errors, seconds),
            _rate(last.server_errors - first.server_errors, seconds),
            _rate(last.refused - first.refused, seconds),
            _rate(last.cpu_seconds - first.cpu_seconds, seconds),
            {name: percentile(buckets, share) for name, share in shares.items()},
        )

    def history(self) -> list[tuple[float, float, float]]:
        """Of each interval: how many seconds ago it ended, requests and server errors a second."""
        found: list[tuple[float, float, float]] = []
        now, previous = self._samples[-1].at, self._samples[0]
        for sample in self._samples:
            seconds = sample.at - previous.at
            if seconds >= INTERVAL - _LEAST:
                requests = _rate(sample.requests - previous.requests, seconds)
                errors = _rate(sample.server_errors - previous.server_errors, seconds)
                found.append((now - sample.at, requests, errors))
                previous = sample
        return found


def _rate(count: float, seconds: float) -> float:
    return max(0.0, count) / seconds if seconds > 0 else 0.0


def percentile(buckets: Sequence[int], share: float) -> float | None:
    """The duration that `share` of all do not exceed, by straight lines within a bucket, as
    Prometheus's ``histogram_quantile``; infinite beyond the last bound, `None` without any."""
    total = sum(buckets)
    if not total:
        return None
    rank, below = share * total, 0
    for number, count in enumerate(buckets):
        if count and below + count >= rank:
            if number == len(BOUNDS):
                return math.inf
            low = BOUNDS[number - 1] if number else 0.0
            return low + (BOUNDS[number] - low) * (rank - below) / count
        below += count
    return math.inf
