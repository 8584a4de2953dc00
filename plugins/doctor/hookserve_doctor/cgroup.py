"""Limits of the control group that the server is in (cgroups(7)), version 2 and 1."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve.wording import counted
from hookserve_doctor.limits import threads_of

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_LEAST_MEMORY = 64 << 20
"""Bytes that a worker with a framework takes at least."""
_MOST_WORKERS = 4
"""For each processor; beyond that they take turns."""
_UNLIMITED = 1 << 60


class Group:
    """The limits of one control group; `proc` and `root` are where proc(5) and the groups are."""

    def __init__(self, proc: str = "/proc", root: str = "/sys/fs/cgroup") -> None:
        self._folders = [Path(root), Path(root, "cpu"), Path(root, "memory"), Path(root, "pids")]
        try:
            lines = Path(proc, "self/cgroup").read_text().splitlines()
        except OSError:
            lines = []
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if not controllers:
                self._folders.insert(0, Path(root, path.lstrip("/")))
            else:
                for name in controllers.split(","):
                    self._folders.insert(0, Path(root, name, path.lstrip("/")))

    def processors(self) -> float | None:
        """How many processors' time it may use; `None`: there is no limit."""
        text = self._read("cpu.max")
        if text:
            quota, period = text.split()
            return None if quota == "max" else int(quota) / int(period)
        quota, period = self._read("cpu.cfs_quota_us"), self._read("cpu.cfs_period_us")
        if not quota or not period or int(quota) < 0:
            return None
        return int(quota) / int(period)

    def memory(self) -> int | None:
        """How many bytes it may use."""
        return self._limit("memory.max", "memory.limit_in_bytes")

    def processes(self) -> int | None:
        """How many processes and threads it may have."""
        return self._limit("pids.max")

    def _limit(self, *names: str) -> int | None:
        for name in names:
            text = self._read(name)
            if text and text != "max" and int(text) < _UNLIMITED:
                return int(text)
        return None

    def _read(self, name: str) -> str:
        for folder in self._folders:
            try:
                return (folder / name).read_text().strip()
            except OSError:
                continue
        return ""


def check_cgroup(config: Config, group: Group | None = None) -> Iterator[Diagnosis]:
    """Processors, memory and processes, for as many workers as there are to be."""
    group = group or Group()
    workers = config.workers if isinstance(config.workers, int) else 1
    yield _check_processors(workers, group.processors())
    yield _check_memory(workers, group.memory())
    yield _check_processes(threads_of(config), group.processes())


def _check_processors(workers: int, limit: float | None) -> Diagnosis:
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = own if limit is None else min(limit, own)
    where = "" if limit is None or limit > own else ", by the control group"
    processors = "1 processor" if count == 1 else f"{count:g} processors"
    text = f"{counted(workers, 'worker')} for {processors}{where}"
    if workers > max(1.0, count) * _MOST_WORKERS:
        remedy = f"set workers to about {max(1, round(2 * count))}: more of them only take turns"
        return Diagnosis("warning", "processors", text, remedy)
    return Diagnosis("ok", "processors", text)


def _check_memory(workers: int, limit: int | None) -> Diagnosis:
    if limit is None:
        return Diagnosis("ok", "memory", "the control group has no limit")
    share = limit // (workers + 1)
    sharers = f"{counted(workers, 'worker')} and the arbiter"
    text = f"{limit >> 20} MiB for {sharers}, {share >> 20} MiB each"
    if share < _LEAST_MEMORY:
        remedy = "start fewer workers, share pages with preload_app, or raise the limit"
        return Diagnosis("warning", "memory", text, remedy)
    return Diagnosis("ok", "memory", text)


def _check_processes(wanted: int, limit: int | None) -> Diagnosis:
    if limit is not None and limit < 2 * wanted:
        text = f"{limit} processes and threads allowed, {wanted} wanted, twice that in a reload"
        return Diagnosis(
            "warning", "pids.max", text, "raise it (TasksMax= in a unit, --pids-limit)"
        )
    return Diagnosis("ok", "pids.max", f"{limit or 'any number'} allowed, {wanted} wanted")
