"""The gthread worker: a pool of threads, idle connections cost none of them.

worker
    the pool of threads
leader
    leader/followers: which thread polls
"""

from __future__ import annotations

from hookserve import Capabilities, Setting, WorkerType, hookimpl
from hookserve.config.values import positive

SETTINGS: tuple[Setting, ...] = (
    Setting("threads", 4, positive, "requests that a gthread worker runs at once"),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """The size of the pool."""
    return SETTINGS


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``gthread``."""
    return [
        WorkerType(
            "gthread",
            "hookserve_gthread.worker:GthreadWorker",
            "threads; silent and idle clients hold none",
            capabilities=Capabilities(
                parallel=True,
                hands_over=True,
                buffered=True,
                concurrency="as many requests at once as there are threads",
                settings=frozenset({"threads", "spool_size", "buffer_bodies"}),
            ),
        )
    ]
