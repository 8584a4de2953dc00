"""Reads the stacks that a worker writes when it is asked to."""

from __future__ import annotations

import os
import time

from hookserve.worker.dumps import render_dump

_TIME = 2.0
"""Seconds that a worker has; the signal's handler is in C, so even a busy one needs few."""
_PAUSE = 0.05
_MOST = 1 << 18


def read_stacks(descriptor: int) -> str:
    """What the worker has written, once it writes no more; the descriptor is closed."""
    until, size = time.monotonic() + _TIME, 0
    try:
        while time.monotonic() < until:
            time.sleep(_PAUSE)
            last, size = size, os.fstat(descriptor).st_size
            if size and size == last:
                break
        return render_dump(os.pread(descriptor, min(size, _MOST), 0).decode("utf-8", "replace"))
    finally:
        os.close(descriptor)
