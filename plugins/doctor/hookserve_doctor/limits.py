"""Limits of a process (getrlimit(2)): descriptors, processes and threads."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve.config.workers import count_workers
from hookserve.wording import counted

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_RESERVE = 64
"""Descriptors that a worker has besides its connections: listeners, logs, the application's."""


def check_limits(config: Config) -> Iterator[Diagnosis]:
    """Descriptors for `worker_connections`; processes and threads for the workers."""
    yield _check_descriptors(config.worker_connections, resource.getrlimit(resource.RLIMIT_NOFILE))
    workers, _ = count_workers(config)
    yield _check_processes(threads_of(config, workers), resource.getrlimit(resource.RLIMIT_NPROC))


def threads_of(config: Config, workers: int) -> int:
    """How many threads so many workers have, and the arbiter."""
    return 1 + workers * (1 + int(config.get("threads", 0) or 0))


def _check_descriptors(connections: int, limits: tuple[int, int]) -> Diagnosis:
    hard = limits[1]
    wanted = connections + _RESERVE
    text = f"{hard if hard != resource.RLIM_INFINITY else 'any number'} allowed, {wanted} wanted"
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return Diagnosis(
            "warning",
            "open files",
            f"{text} by a worker with {counted(connections, 'connection')}",
            f"raise the hard limit (LimitNOFILE={wanted} in a unit, --ulimit nofile of a"
            " container), or lower worker_connections",
        )
    return Diagnosis("ok", "open files", text)


def _check_processes(wanted: int, limits: tuple[int, int]) -> Diagnosis:
    soft = limits[0]
    text = f"{soft if soft != resource.RLIM_INFINITY else 'any number'} allowed, {wanted} wanted"
    if soft != resource.RLIM_INFINITY and soft < 2 * wanted:
        return Diagnosis(
            "warning",
            "processes",
            f"{text}, and as many again during a reload",
            "raise the limit (LimitNPROC= in a unit, ulimit -u): it counts all threads of the user",
        )
    return Diagnosis("ok", "processes", text)
