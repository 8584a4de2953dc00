"""Files of processes that have no number: a program that the application starts, an auxiliary
process that imports its metrics.

prometheus_client names them by the process id.  When such a process has ended its counts are added
to those of all that have ended before, and its files are removed.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from hookserve_prometheus.process_numbers import clear, names

_NAMED = re.compile(r"(.+)_([0-9]+)\.db")
_SUMS = ("counter", "histogram", "summary")
_ENDED = "ended"
"""In the place of the process id."""


def add_up_ended(directory: str) -> None:
    """Keep the sums of those that have ended, and remove their files and their live gauges."""
    for path, kind, pid in list(_of_ended(directory)):
        if kind in _SUMS:
            try:
                _add(path, Path(directory, f"{kind}_{_ENDED}.db"))
            except (ValueError, RuntimeError, struct.error):
                continue  # `collection` reports it
            path.unlink(missing_ok=True)
        clear(directory, pid)


def _of_ended(directory: str) -> Iterator[tuple[Path, str, str]]:
    paths = list(Path(directory).glob("*.db"))
    numbered = names(directory)  # afterwards: a process takes its number before it makes a file
    for path in paths:
        named = _NAMED.fullmatch(path.name)
        if named is not None and named[2] not in numbered and not _is_alive(int(named[2])):
            yield path, named[1], named[2]


def _is_alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}") if os.path.isdir("/proc/self") else True


def _add(source: Path, target: Path) -> None:
    # All of it is read before any is added: of a file that is cut off nothing is.
    found = list(MmapedDict.read_all_values_from_file(source)) if source.stat().st_size else []
    sums = MmapedDict(str(target))
    try:
        for key, value, *_ in found:
            sums.write_value(key, sums.read_value(key)[0] + value, 0.0)
    finally:
        sums.close()
