"""The time of day and the process, as a line of the access log shows them."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable


class Clock:
    """Text that is made anew each second; `tick` is called then.

    The second is told by the monotonic clock, by which records have their time, so that no line
    has to ask for the time of day: where that is set, the text follows within a second.
    """

    __slots__ = ("_form", "_tick", "ends", "pid", "text")

    def __init__(self, form: str, tick: Callable[[], object]) -> None:
        self._form = form
        self._tick = tick
        self.text = ""
        """The second, as strftime(3) writes it in that form."""
        self.pid = ""
        self.forget()

    def forget(self) -> None:
        """Make everything anew with the next line: this is another process."""
        self.ends = -math.inf
        """The end of the second that the text is of, by the monotonic clock."""

    def set(self, now: float) -> None:
        """Write the time of day; `now` is by the monotonic clock."""
        fraction, second = math.modf(time.time())
        self.text = time.strftime(self._form, time.localtime(second))
        self.ends = now + 1.0 - fraction
        self.pid = str(os.getpid())
        self._tick()
