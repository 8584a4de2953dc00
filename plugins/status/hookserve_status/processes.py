"""What the kernel says of a process (proc(5)); one short read each."""

from __future__ import annotations

import os
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LAST_FIELD = 21
"""Of those after the name: the pages in memory."""
_TICK = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """One process."""

    cpu_seconds: float
    """Of its own."""
    children_seconds: float
    """Of children that it has waited for."""
    rss_bytes: int
    """Its pages that are in memory, those that it shares included."""


_UNKNOWN = Process(0.0, 0.0, 0)


def read_process(pid: int, proc: str = "/proc") -> Process:
    """What is known of a process; zeros when it is gone, or where there is no proc(5)."""
    try:
        descriptor = os.open(f"{proc}/{pid}/stat", os.O_RDONLY)
    except OSError:
        return _UNKNOWN
    try:
        data = os.read(descriptor, 2048)
    except OSError:
        return _UNKNOWN
    finally:
        os.close(descriptor)
    # The name, in parentheses, may have blanks and parentheses of its own.
    values = data[data.rindex(b")") + 2 :].split(None, _LAST_FIELD + 1)
    own, children = int(values[11]) + int(values[12]), int(values[13]) + int(values[14])
    return Process(own / _TICK, children / _TICK, int(values[_LAST_FIELD]) * _PAGE)
