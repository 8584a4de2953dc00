"""What the processes of one server share: the result of the checks, whether the server was ever
ready, and that another server serves.

One mapping for the life of the arbiter, whatever is reloaded: workers of each generation see it.
"""

from __future__ import annotations

import mmap
import os
from functools import cache
from math import inf

HANDED_ON = "HEALTH_RESULT_OF_ARBITER"
"""By which the next arbiter finds what it is to go on with (`SharedState.encode`): the result of
the last checks holds until they have run there.  A name with our prefix would be a setting."""
_NEVER, _PASSED, _FAILED, _CRASHED = range(4)
_RESULT, _FAULT, _TAKEN_OVER, _STARTED, _RUNNING = range(5)
_WORDS_AT = 8
_PID, _VALID_UNTIL = range(2)
_ALL_PASSED, _HAS_STARTED = "passed", "started"
_MOST = 255


class SharedState:
    """A few bytes and words of shared memory; each is written by one process, but for the two
    that are only ever set."""

    def __init__(self, handed_on: str = "") -> None:
        """`handed_on` is what another one is as text (`encode`)."""
        memory = mmap.mmap(-1, mmap.PAGESIZE)
        self._bytes = memoryview(memory)[:_WORDS_AT]
        self._process = memoryview(memory)[_WORDS_AT:].cast("Q")
        self._moments = memoryview(memory)[_WORDS_AT:].cast("d")
        words = handed_on.split()
        self._bytes[_STARTED] = _HAS_STARTED in words
        if _ALL_PASSED in words:
            self.record(None, inf)
        elif words and words[0].isdecimal():
            self.record(int(words[0]), inf)

    def encode(self) -> str:
        """The result of the checks as text, empty if they have never been run, and whether the
        server was ever ready."""
        words = []
        if self.is_checked:
            words = [_ALL_PASSED if self.failed is None else str(self.failed)]
        if self.has_started:
            words.append(_HAS_STARTED)
        return " ".join(words)

    @property
    def successor_serves(self) -> bool:
        """Whether the successor of an upgrade serves at the same addresses; the arbiter's."""
        return bool(self._bytes[_TAKEN_OVER])

    @successor_serves.setter
    def successor_serves(self, value: bool) -> None:
        self._bytes[_TAKEN_OVER] = value

    @property
    def has_started(self) -> bool:
        """Whether the server was ever ready, before a reload or an upgrade too."""
        return bool(self._bytes[_STARTED])

    def record_start(self) -> None:
        """The server is ready; by any process that has found that."""
        self._bytes[_STARTED] = True

    @property
    def is_checked(self) -> bool:
        """Whether the checks have ever been run."""
        return self._bytes[_RESULT] != _NEVER

    @property
    def failed(self) -> int | None:
        """The number of the check that has failed last; `None`: all have passed."""
        return self._bytes[_FAULT] if self._bytes[_RESULT] in (_FAILED, _CRASHED) else None

    @property
    def has_crashed(self) -> bool:
        """Whether the check that has failed last ended its process."""
        return self._bytes[_RESULT] == _CRASHED

    def is_late(self, now: float) -> bool:
        """Whether the next result is overdue, so that the last one counts no more; `now` is in
        seconds of the monotonic clock."""
        valid_until = self._moments[_VALID_UNTIL]
        return now > valid_until or (valid_until == inf and self.is_process_gone)

    @property
    def is_process_gone(self) -> bool:
        """Whether the process of the checks has ended unasked, and none has followed yet."""
        pid = self._process[_PID]
        try:
            os.kill(pid or os.getpid(), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        return False

    # By the process of the checks.

    @property
    def running(self) -> int | None:
        """The number of the check that runs, or ran when its process ended."""
        return self._bytes[_RUNNING] - 1 if self._bytes[_RUNNING] else None

    @running.setter
    def running(self, number: int | None) -> None:
        self._bytes[_RUNNING] = 0 if number is None else min(number + 1, _MOST)

    def begin(self, valid_until: float) -> None:
        """A process of the checks begins.  A check that ran when the one before it ended has
        failed; a result without an end, of one that was replaced, is valid until that moment."""
        if self.running is not None:
            self._bytes[_FAULT] = self.running
            self._bytes[_RESULT] = _CRASHED
            self.running = None
        if self._moments[_VALID_UNTIL] == inf:
            self._moments[_VALID_UNTIL] = valid_until
        self._process[_PID] = os.getpid()

    def record(self, failed: int | None, valid_until: float) -> None:
        """The checks have been run, and are to be run again before that moment, in seconds of the
        monotonic clock."""
        self._moments[_VALID_UNTIL] = valid_until
        if failed is not None:
            self._bytes[_FAULT] = min(failed, _MOST)
        self._bytes[_RESULT] = _PASSED if failed is None else _FAILED

    def end(self) -> None:
        """The process ends as it was asked to: the result holds until another one has begun."""
        self.running = None
        self._process[_PID] = 0
        self._moments[_VALID_UNTIL] = inf


@cache
def state_of_server() -> SharedState:
    """The one of this arbiter and its children; made before the first fork."""
    return SharedState(os.environ.pop(HANDED_ON, ""))
