"""What the processes of one server share: the result of the checks, and that another server
serves.

One mapping for the life of the arbiter, whatever is reloaded: workers of each generation see it.
"""

from __future__ import annotations

import mmap
import os
from functools import cache

HANDED_ON = "HEALTH_RESULT_OF_ARBITER"
"""By which the next arbiter finds the result of the last checks: it holds until they have run
there.  A name with our prefix would be a setting."""
_NEVER, _PASSED, _FAILED = range(3)
_RESULT, _FAULT, _TAKEN_OVER = range(3)
_ALL_PASSED = "passed"


class SharedState:
    """Three bytes of shared memory; each is written by one process."""

    def __init__(self, handed_on: str = "") -> None:
        """`handed_on` is what another one is as text (`encode`)."""
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)
        if handed_on == _ALL_PASSED:
            self.record(None)
        elif handed_on.isdecimal():
            self.record(int(handed_on))

    def encode(self) -> str:
        """The result of the checks as text; empty: they have never been run."""
        if not self.is_checked:
            return ""
        return _ALL_PASSED if self.failed is None else str(self.failed)

    @property
    def successor_serves(self) -> bool:
        """Whether the successor of an upgrade serves at the same addresses; the arbiter's."""
        return bool(self._memory[_TAKEN_OVER])

    @successor_serves.setter
    def successor_serves(self, value: bool) -> None:
        self._memory[_TAKEN_OVER] = value

    @property
    def is_checked(self) -> bool:
        """Whether the checks have ever been run."""
        return self._memory[_RESULT] != _NEVER

    @property
    def failed(self) -> int | None:
        """The number of the check that has failed last; `None`: all have passed."""
        return self._memory[_FAULT] if self._memory[_RESULT] == _FAILED else None

    def record(self, failed: int | None) -> None:
        """The checks have been run; by the auxiliary process."""
        if failed is not None:
            self._memory[_FAULT] = min(failed, 255)
        self._memory[_RESULT] = _PASSED if failed is None else _FAILED


@cache
def state_of_server() -> SharedState:
    """The one of this arbiter and its children; made before the first fork."""
    return SharedState(os.environ.pop(HANDED_ON, ""))
