"""Limits of the control groups that the server is in (cgroups(7)), for its workers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve.config.workers import count_processors
from hookserve.system.cgroup import ControlGroups, Limit
from hookserve.wording import counted
from hookserve_doctor.limits import most_workers, threads_of

if TYPE_CHECKING:
    from hookserve import WorkerType
    from hookserve.config.resolved import Config

_LEAST_MEMORY = 64 << 20
"""Bytes that a worker with a framework takes at least."""
_MOST_WORKERS = 4
"""For each processor; beyond that they take turns."""


def check_cgroup(
    config: Config, models: Iterable[WorkerType], groups: ControlGroups | None = None
) -> Iterator[Diagnosis]:
    """Processors, memory and processes, for as many workers as there are to be."""
    groups = groups or ControlGroups()
    workers = most_workers(config, groups)
    yield _check_processors(workers, groups.processors())
    yield from _check_memory(workers, groups.memory(), groups.slow_memory())
    yield _check_processes(threads_of(config, models, workers), groups.processes())


def _check_processors(workers: int, limit: Limit | None) -> Diagnosis:
    own = count_processors()
    count = own if limit is None else min(limit.value, own)
    where = "" if limit is None or limit.value > own else f", by {limit.file}"
    processors = "1 processor" if count == 1 else f"{count:g} processors"
    text = f"{counted(workers, 'worker')} for {processors}{where}"
    if workers > max(1.0, count) * _MOST_WORKERS:
        remedy = f"set workers to about {max(1, round(2 * count))}: more of them only take turns"
        return Diagnosis("warning", "processors", text, remedy)
    return Diagnosis("ok", "processors", text)


def _check_memory(workers: int, limit: Limit | None, slow: Limit | None) -> Iterator[Diagnosis]:
    """The limit beyond which a process is ended, and the one beyond which all are slowed down,
    where that is less."""
    if limit is None and slow is None:
        yield Diagnosis("ok", "memory", "no control group has a limit")
    if limit is not None:
        yield _check_share(workers, limit, "")
    if slow is not None and (limit is None or slow.value < limit.value):
        yield _check_share(workers, slow, ": the kernel slows all of them down beyond that")


def _check_share(workers: int, limit: Limit, beyond: str) -> Diagnosis:
    share, whole = int(limit.value) // (workers + 1), int(limit.value)
    sharers = f"{counted(workers, 'worker')} and the arbiter"
    text = f"{whole >> 20} MiB for {sharers}, {share >> 20} MiB each, by {limit.file}{beyond}"
    subject = "memory.high" if beyond else "memory"
    if share < _LEAST_MEMORY:
        remedy = "start fewer workers, share pages with preload_app, or raise the limit"
        return Diagnosis("warning", subject, text, remedy)
    return Diagnosis("ok", subject, text)


def _check_processes(wanted: int, limit: Limit | None) -> Diagnosis:
    if limit is None:
        return Diagnosis("ok", "pids.max", f"any number allowed, {wanted} wanted")
    text = f"{limit.value} processes and threads allowed, by {limit.file}, {wanted} wanted"
    if limit.value < 2 * wanted:
        remedy = "raise it (TasksMax= in a unit, --pids-limit)"
        return Diagnosis("warning", "pids.max", f"{text}, twice that in a reload", remedy)
    return Diagnosis("ok", "pids.max", text)
