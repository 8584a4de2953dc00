"""What ends the wait of a loop from outside it: a pipe that signals and threads write to."""

from __future__ import annotations

import os
import select
import signal

from hookserve.system.calls import LONGEST_WAIT, make_poll, read, write


class Wakeup:
    """Readable when there is something to do."""

    def __init__(self) -> None:
        self._read, self._write = _make_pipe()

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._read

    def replace(self) -> None:
        """In a forked child: put a pipe of its own under the same numbers.  The two processes have
        one pipe otherwise, and what one of them reads the other never sees."""
        for fresh, end in zip(_make_pipe(), (self._read, self._write), strict=True):
            os.dup2(fresh, end, inheritable=False)
            os.close(fresh)

    def listen(self) -> None:
        """Become readable with every signal that arrives (signal.set_wakeup_fd)."""
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def notify(self) -> None:
        """Become readable; from any thread."""
        try:
            write(self._write, b"\0")
        except BlockingIOError:  # it is readable already
            pass

    def clear(self) -> None:
        """Become unreadable until the next `notify` or signal."""
        try:
            read(self._read, 4096)
        except BlockingIOError:
            pass

    def wait(self, seconds: float) -> bool:
        """Block until it is readable, at most that long; whether it is."""
        poll = make_poll()
        poll.register(self._read, select.POLLIN)
        longest = None if seconds == float("inf") else min(seconds, LONGEST_WAIT) * 1000.0
        return bool(poll.poll(longest))


def _make_pipe() -> tuple[int, int]:
    ends = os.pipe()
    for each in ends:
        os.set_blocking(each, False)
    return ends
