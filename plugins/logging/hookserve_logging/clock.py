"""The time of day and the process, as a line of the access log shows them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable


class Clock:
    """Text that is made anew each second; `tick` is called then."""

    __slots__ = ("_form", "_tick", "began", "ends", "pid", "text")

    def __init__(self, form: str, tick: Callable[[], object]) -> None:
        self._form = form
        self._tick = tick
        self.text = ""
        """The second, as strftime(3) writes it in that form."""
        self.pid = 0
        self.forget()

    def forget(self) -> None:
        """Make everything anew with the next line: this is another process."""
        self.began = self.ends = 0.0
        """The second that the text is of: from, and up to."""

    def set(self, now: float) -> None:
        """Write that time of day."""
        second = int(now)
        self.text = time.strftime(self._form, time.localtime(second))
        self.began, self.ends = second, second + 1
        self.pid = os.getpid()
        self._tick()
