"""How many workers the load asks for: the policy, without a server.

It grows at once, when the last samples together were too busy, and shrinks slowly, by one, when
one worker less would have been enough for a whole quiet time.  What keeps it from flapping:

* After each change it forgets what it saw, so that the next one is founded on samples that were
  taken with the new number.
* It never shrinks to a number at which what it has seen since would make it grow again: between
  the two there is a margin.
* When it has to grow again after it shrank, that was too soon: the quiet time doubles.  Whatever
  noise there is around a load, the changes become rare.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SAMPLES = 3
"""A request more or less at the moment of one sample means nothing: so many are averaged."""
MARGIN = 0.8
"""The share of `busy` that the load may be of those who would be left."""
MOST_QUIET_TIMES = 16
"""The quiet time is at most so many times the setting."""
GROWTH = 0.25
"""The share of the workers that may be added at once; one always may."""


class Sample(NamedTuple):
    """The server at one moment."""

    now: float
    wanted: int
    ready: int
    is_complete: bool
    """Whether there are as many workers as wanted, and none boots."""
    in_flight: int
    """The requests that the ready workers run."""
    capacity: int
    """How many one of them can run."""


class Policy:
    """Decides after each sample."""

    def __init__(self, busy: float, idle_time: float) -> None:
        self._busy = busy
        self._idle_time = idle_time
        self._recent: deque[int] = deque(maxlen=SAMPLES)
        self._loads: deque[tuple[float, float]] = deque()
        """Averages of the requests in flight, and when; no older than the quiet time."""
        self._quiet_factor = 1
        """What the quiet time is multiplied by."""
        self._has_shrunk = False
        """Whether the last change was for less."""
        self._ready = 0
        self._since: float | None = None
        """When the first sample after the last change was taken."""

    def decide(self, sample: Sample, least: int, most: int) -> int:
        """How many workers there should be, from `least` to `most`."""
        target = min(max(self._target(sample), least), most)
        if target != sample.wanted:
            self._on_change(is_smaller=target < sample.wanted)
        return target

    def _target(self, sample: Sample) -> int:
        load = self._observe(sample)
        if load is None or not sample.is_complete:
            return sample.wanted
        if load > self._busy * sample.ready * sample.capacity:
            return sample.wanted + max(1, int(sample.wanted * GROWTH))
        enough = MARGIN * self._busy * (sample.wanted - 1) * sample.capacity
        if self._is_quiet(sample.now) and max(each for _, each in self._loads) <= enough:
            return sample.wanted - 1
        return sample.wanted

    def _observe(self, sample: Sample) -> float | None:
        """The average of the last samples; `None` while there are too few."""
        if self._since is None:
            self._since = sample.now
        if sample.ready != self._ready:
            self._ready = sample.ready
            self._recent.clear()
        self._recent.append(sample.in_flight)
        if len(self._recent) < SAMPLES:
            return None
        load = sum(self._recent) / SAMPLES
        self._loads.append((sample.now, load))
        while self._loads[0][0] < sample.now - self._quiet_time:
            self._loads.popleft()
        return load

    @property
    def _quiet_time(self) -> float:
        return self._idle_time * self._quiet_factor

    def _is_quiet(self, now: float) -> bool:
        return self._since is not None and now - self._since >= self._quiet_time

    def _on_change(self, is_smaller: bool) -> None:
        if is_smaller and self._has_shrunk:
            self._quiet_factor = max(1, self._quiet_factor // 2)
        elif not is_smaller and self._has_shrunk:
            self._quiet_factor = min(MOST_QUIET_TIMES, self._quiet_factor * 2)
        self._has_shrunk = is_smaller
        self._since = None
        self._recent.clear()
        self._loads.clear()
