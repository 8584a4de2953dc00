"""The time of day and the process, as a line of the access log shows them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial

PerSecond = Callable[[time.struct_time], str]
"""Makes text, from the time of day, that is the same for a second."""


def time_text(form: str) -> PerSecond:
    """The time of day in a form of strftime(3)."""
    return partial(time.strftime, form)


def process_text(_: time.struct_time) -> str:
    """The process id."""
    return str(os.getpid())


class Clock:
    """Texts that are made anew each second; `tick` is called then.

    Seconds are counted by the monotonic clock, as records are, so that no line asks for the time of
    day: when that is set, the texts follow within a second.
    """

    __slots__ = ("_runs", "_tick", "ends", "texts")

    def __init__(self, tick: Callable[[], object]) -> None:
        self._runs: list[Sequence[str | PerSecond]] = []
        self._tick = tick
        self.texts: list[str] = []
        """One for each call of `add`; the list is never replaced."""
        self.forget()

    def add(self, run: Sequence[str | PerSecond]) -> int:
        """Have the run's text, its parts one after another, made too; returns its index."""
        self._runs.append(run)
        self.texts.append("")
        return len(self.texts) - 1

    def forget(self) -> None:
        """Make everything anew with the next line: this is another process."""
        self.ends = 0.0
        """The end of the second that the texts are of, by the monotonic clock."""

    def set(self, now: float) -> None:
        """Write the time of day; `now` is by the monotonic clock."""
        wall = time.time()
        second = int(wall)
        day = time.localtime(second)
        for index, run in enumerate(self._runs):
            self.texts[index] = "".join(
                part if isinstance(part, str) else part(day) for part in run
            )
        self.ends = now + 1.0 - (wall - second)
        self._tick()
