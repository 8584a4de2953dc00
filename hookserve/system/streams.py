"""The standard streams, open before anything else gets their numbers."""

from __future__ import annotations

import os
import sys

_STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def open_standard_streams() -> None:
    """Open /dev/null for each of the descriptors 0 to 2 that is closed.

    Else the next descriptor that is opened has that number, and what a library prints goes into a
    socket or into shared memory.
    """
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest that is free
        if getattr(sys, name) is None:  # the interpreter found it closed
            stream = open(number, mode, closefd=False, errors="backslashreplace")  # noqa: SIM115
            setattr(sys, name, stream)
