"""Waiting for conditions, never for time."""

from __future__ import annotations

import time
from collections.abc import Callable

DEADLINE = 20.0
"""What is waited for anything, in seconds."""
_PAUSE = 0.01


def wait_until(condition: Callable[[], object], timeout: float = DEADLINE) -> None:
    """Return once the condition holds; raises AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(_PAUSE)
