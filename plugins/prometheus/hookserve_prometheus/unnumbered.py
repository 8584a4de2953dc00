"""Files of processes that have no number: a program that the application starts, an auxiliary
process that imports its metrics.

prometheus_client names them by the process id.  When such a process has ended, what it has counted
is put together with that of all that have ended before, as the kind of its metrics asks for, and
its files are removed.  Gauges that are shown for each process go with it.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from hookserve_prometheus.process_numbers import names

_NAMED = re.compile(r"(.+)_([0-9]+)\.db")
_Entry = tuple[float, float]
"""A value, and when it was set, in seconds since the epoch."""


def _sum(kept: _Entry, more: _Entry) -> _Entry:
    return kept[0] + more[0], 0.0


_TOGETHER: dict[str, Callable[[_Entry, _Entry], _Entry]] = {
    "counter": _sum,
    "histogram": _sum,
    "summary": _sum,
    "gauge_sum": _sum,
    "gauge_min": min,
    "gauge_max": max,
    "gauge_mostrecent": lambda *both: max(both, key=itemgetter(1)),
}
"""By the kind of a file: what two values are together."""
_ENDED = "ended"
"""In the place of the process id."""


def add_up_ended(directory: str) -> None:
    """Keep what those that have ended have counted, and remove their files."""
    for path, kind in list(_of_ended(directory)):
        if kind in _TOGETHER:
            try:
                _add(path, Path(directory, f"{kind}_{_ENDED}.db"), _TOGETHER[kind])
            except (ValueError, RuntimeError, struct.error):
                continue  # `collection` reports it
        path.unlink(missing_ok=True)


def _of_ended(directory: str) -> Iterator[tuple[Path, str]]:
    paths = list(Path(directory).glob("*.db"))
    numbered = names(directory)  # afterwards: a process takes its number before it makes a file
    for path in paths:
        named = _NAMED.fullmatch(path.name)
        if named is not None and named[2] not in numbered and not _is_alive(int(named[2])):
            yield path, named[1]


def _is_alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}") if os.path.isdir("/proc/self") else True


def _add(source: Path, target: Path, together: Callable[[_Entry, _Entry], _Entry]) -> None:
    # All of it is read before any is added: of a file that is cut off nothing is.
    found = list(MmapedDict.read_all_values_from_file(source)) if source.stat().st_size else []
    ended = MmapedDict(str(target))
    try:
        kept = {key: (value, moment) for key, value, moment in ended.read_all_values()}
        for key, value, moment, _ in found:
            entry = value, moment
            ended.write_value(key, *(together(kept[key], entry) if key in kept else entry))
    finally:
        ended.close()
