"""Limits of a process (getrlimit(2)): descriptors, processes and threads."""

from __future__ import annotations

import resource
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve.config.workers import count_workers
from hookserve.wording import counted

if TYPE_CHECKING:
    from hookserve import WorkerType
    from hookserve.config.resolved import Config
    from hookserve.system.cgroup import ControlGroups

_RESERVE = 64
"""Descriptors that a worker has besides its connections: listeners, logs, the application's."""


def check_limits(config: Config, models: Iterable[WorkerType]) -> Iterator[Diagnosis]:
    """Descriptors for `worker_connections`; processes and threads for the workers."""
    yield _check_descriptors(config.worker_connections, resource.getrlimit(resource.RLIMIT_NOFILE))
    wanted = threads_of(config, models, most_workers(config))
    yield _check_processes(wanted, resource.getrlimit(resource.RLIMIT_NPROC))


def most_workers(config: Config, groups: ControlGroups | None = None) -> int:
    """As many workers as there may be."""
    workers, _ = count_workers(config, groups)
    return max(workers, config.get("adaptive_max", 0) or 0)


def threads_of(config: Config, models: Iterable[WorkerType], workers: int) -> int:
    """How many threads so many workers have at least, and the arbiter; of `models` it is the one
    that the configuration names."""
    with_pool = {each.name for each in models if "threads" in each.capabilities.settings}
    pool = config.threads if config.worker_class in with_pool else 0
    return 1 + workers * (1 + int(pool))


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
