"""How many workers there are to be, where the setting leaves it to the machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hookserve.system.cgroup import ControlGroups

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def count_workers(config: Config, groups: ControlGroups | None = None) -> tuple[int, str]:
    """How many workers to keep, and the arithmetic where there was any."""
    if config.workers != "auto":
        return int(config.workers), ""
    allowed = count_processors()
    quota = (groups or ControlGroups()).processors()
    if quota is None:
        return allowed, f"workers auto: {allowed}, the processors that the affinity mask allows"
    count = max(1, min(allowed, int(quota.value + 0.5)))
    return (
        count,
        f"workers auto: {count}, from a quota of {quota.value:g} ({quota.file}) and {allowed}"
        " processors allowed",
    )


def count_processors() -> int:
    """The processors that the affinity mask allows (sched_setaffinity(2))."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
