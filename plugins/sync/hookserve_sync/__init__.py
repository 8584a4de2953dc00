"""The sync worker: one request at a time.

worker
    the model
attendant
    what goes on while an application has taken a connection over
"""

from __future__ import annotations

from hookserve import Capabilities, WorkerType, hookimpl


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``sync``."""
    return [
        WorkerType(
            "sync",
            "hookserve_sync.worker:SyncWorker",
            "one request at a time, silent clients wait aside",
            capabilities=Capabilities(
                buffered=True,
                hands_over=True,
                settings=frozenset({"spool_size", "buffer_bodies"}),
            ),
        )
    ]
