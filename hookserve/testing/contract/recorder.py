"""A plugin that tells a test each hook that is called: where, in which order, with what."""

from __future__ import annotations

import os
import threading
import time
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hookserve.hookmarkers import hookimpl
from hookserve.testing.announcer import announce

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.handles import WorkerHandle
    from hookserve.types import (
        AccessRecord,
        ExitReason,
        Request,
        RequestInFlight,
        Response,
        WSGIApplication,
    )
    from hookserve.worker.base import Worker
    from hookserve.worker.context import ServerView


def note(hook: str, **values: object) -> None:
    """Tell that a hook was called, or that something else in a worker's life happened."""
    announce(
        "hook",
        hook=hook,
        pid=os.getpid(),
        # The kernel's own view (gettid(2)): eventlet has another one of threads.
        is_main_thread=threading.get_native_id() == os.getpid(),
        is_patched=not isinstance(time.sleep, types.BuiltinFunctionType),
        **values,
    )


@hookimpl
def pre_fork(server: Arbiter, worker: WorkerHandle) -> None:
    note("pre_fork", server=server.pid, worker=worker.pid, index=worker.index)


@hookimpl
def post_fork(server: ServerView, worker: Worker) -> None:
    note("post_fork", server=server.pid, worker=worker.pid, index=worker.index)


@hookimpl
def app_wrappers(worker: Worker) -> list[Callable[[WSGIApplication], WSGIApplication]]:
    note("app_wrappers", worker=worker.pid)
    return []


@hookimpl
def post_worker_init(worker: Worker) -> None:
    note("post_worker_init", worker=worker.pid)


@hookimpl
def worker_ready(server: Arbiter, worker: WorkerHandle) -> None:
    note("worker_ready", server=server.pid, worker=worker.pid)


@hookimpl
def pre_request(worker: Worker, req: Request, environ: dict[str, Any]) -> None:  # Any: PEP 3333
    note(
        "pre_request",
        worker=worker.pid,
        method=req.method,
        path=req.path,
        query=environ["QUERY_STRING"],
    )


@hookimpl
def post_request(
    worker: Worker,
    req: Request,
    environ: dict[str, Any],
    resp: Response,  # Any: PEP 3333
) -> None:
    note(
        "post_request",
        worker=worker.pid,
        method=req.method,
        path=req.path,
        query=environ["QUERY_STRING"],
        status=resp.status_code,
        sent=resp.sent,
        elapsed=resp.elapsed,
    )


@hookimpl
def log_access(record: AccessRecord) -> None:
    note(
        "log_access",
        path=record.environ.get("PATH_INFO", ""),
        status=record.status_code,
        sent=record.sent,
        reason=record.reason,
        elapsed=record.elapsed,
    )


@hookimpl
def worker_idle(worker: Worker) -> None:
    time.sleep(0)  # a listener may block: it is not called in the hub of an event library
    note("worker_idle", worker=worker.pid)


@hookimpl
def worker_timeout(
    server: Arbiter, worker: WorkerHandle, requests: Sequence[RequestInFlight]
) -> None:
    note("worker_timeout", worker=worker.pid, requests=[each.label for each in requests])


@hookimpl
def worker_draining(worker: Worker) -> None:
    note("worker_draining", worker=worker.pid)


@hookimpl
def worker_int(worker: Worker) -> None:
    note("worker_int", worker=worker.pid)


@hookimpl
def worker_abort(worker: Worker) -> None:
    note("worker_abort", worker=worker.pid)


@hookimpl
def worker_exit(server: ServerView, worker: Worker) -> None:
    note("worker_exit", server=server.pid, worker=worker.pid)


@hookimpl
def child_exit(server: Arbiter, worker: WorkerHandle, reason: ExitReason) -> None:
    counters = worker.slot.counters()
    note("child_exit", server=server.pid, worker=worker.pid, reason=reason.kind, counters=counters)
