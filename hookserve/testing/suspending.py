"""Suspending a process: kill(2) with SIGSTOP returns before the process stands still."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hookserve.testing.waiting import wait_until

_PAUSE = 0.2
"""Seconds, on systems without /proc."""


def suspend(pid: int) -> None:
    """Send SIGSTOP, and return once no thread of the process runs; SIGCONT lets it go on.

    A thread that runs on another processor may accept a connection after kill(2) has returned.
    Raises ProcessLookupError when there is no such process.
    """
    os.kill(pid, signal.SIGSTOP)
    if sys.platform == "linux":
        wait_until(lambda: _is_suspended(pid))
    else:
        time.sleep(_PAUSE)


@contextmanager
def suspended(pids: Iterable[int]) -> Iterator[None]:
    """None of these processes runs meanwhile (`suspend`); those that are still there then go on."""
    stopped = []
    try:
        for pid in pids:
            suspend(pid)
            stopped.append(pid)
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _is_suspended(pid: int) -> bool:
    """Whether the kernel says so of each thread (proc(5)); a process that is gone runs no more."""
    for status in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            state = status.read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            continue
        if state not in "TtZX":
            return False
    return True
