"""A plugin that makes the wall clock jump by a day, forth or back, whenever it is read.

It is the clock as Python's code sees it: that of the machine belongs to others too.
"""

import time
from itertools import cycle

from hookserve import hookimpl

DAY = 86400.0
_read, _read_ns = time.time, time.time_ns
_jumps = cycle((0.0, DAY, -DAY))


@hookimpl
def on_starting(server):
    time.time = lambda: _read() + next(_jumps)
    time.time_ns = lambda: _read_ns() + int(next(_jumps) * 1e9)
