"""The epoll worker: one thread, thousands of connections."""

from __future__ import annotations

from hookserve import Capabilities, WorkerType, hookimpl


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``epoll``."""
    return [
        WorkerType(
            "epoll",
            "hookserve_epoll.worker:EpollWorker",
            "one request at a time between thousands of connections",
            capabilities=Capabilities(
                buffered=True,
                settings=frozenset({"spool_size"}),
                concurrency="one request at a time, bodies complete before it, responses buffered",
            ),
        )
    ]
