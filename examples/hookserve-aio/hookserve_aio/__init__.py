"""The aio worker: a loop that waits, threads that run requests."""

from __future__ import annotations

from hookserve import Capabilities, Setting, WorkerType, hookimpl
from hookserve.config.values import positive

__version__ = "1.0"

hookserve_api = 1


@hookimpl
def settings() -> list[Setting]:
    """The size of the pool."""
    return [Setting("aio_threads", 4, positive, "requests that an aio worker runs at once")]


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``aio``."""
    return [
        WorkerType(
            "aio",
            "hookserve_aio.worker:AsyncioWorker",
            "an asyncio loop that waits, threads that run requests",
            capabilities=Capabilities(
                parallel=True,
                buffered=True,
                concurrency="as many requests at once as there are threads",
                request_timeout="kill",
                settings=frozenset({"aio_threads", "spool_size"}),
            ),
        )
    ]
