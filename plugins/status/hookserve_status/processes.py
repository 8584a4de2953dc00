"""What the kernel says of processes (proc(5)); one short read each."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import NamedTuple

_MOST_FILES = 256
"""A process may have 1024 open, as a rule."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LAST_FIELD = 21
"""Of those after the name: the pages in memory."""
_SIZE = 2048
"""Bytes; no line is longer."""
_STOPPED = (b"T", b"t")
_TICK = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """One process."""

    cpu_seconds: float
    """Of its own."""
    children_seconds: float
    """Of children that it has waited for."""
    rss_bytes: int
    """Its pages that are in memory, those that it shares included."""
    is_stopped: bool = False
    """By SIGSTOP, or by a debugger."""


_UNKNOWN = Process(0.0, 0.0, 0)


class ProcessReader:
    """Reads processes again and again: their files stay open, for half of what a read costs is to
    find and open one."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc
        self._files: dict[int, int] = {}

    def read(self, pids: Collection[int]) -> dict[int, Process]:
        """What is known of each; zeros when it is gone, or where there is no proc(5)."""
        for pid in self._files.keys() - pids:
            os.close(self._files.pop(pid))
        return {pid: self._read(pid) for pid in pids}

    def _read(self, pid: int) -> Process:
        try:
            if pid in self._files:
                return _parse(os.pread(self._files[pid], _SIZE, 0))
        except ProcessLookupError:  # it is another one of the same number, or none
            os.close(self._files.pop(pid))
        try:
            file = os.open(f"{self._proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return _UNKNOWN
        try:
            return _parse(os.pread(file, _SIZE, 0))
        except OSError:
            return _UNKNOWN
        finally:
            if len(self._files) < _MOST_FILES:
                self._files[pid] = file
            else:
                os.close(file)


def _parse(data: bytes) -> Process:
    # The name, in parentheses, may have blanks and parentheses of its own.
    values = data[data.rindex(b")") + 2 :].split(None, _LAST_FIELD + 1)
    is_stopped = values[0] in _STOPPED
    own, children = int(values[11]) + int(values[12]), int(values[13]) + int(values[14])
    return Process(own / _TICK, children / _TICK, int(values[_LAST_FIELD]) * _PAGE, is_stopped)
