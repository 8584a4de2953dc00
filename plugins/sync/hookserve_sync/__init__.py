"""The sync worker: one request at a time."""

from __future__ import annotations

from hookserve import WorkerType, hookimpl


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``sync``."""
    return [
        WorkerType(
            "sync",
            "hookserve_sync.worker:SyncWorker",
            "one request at a time, silent clients wait aside",
        )
    ]
