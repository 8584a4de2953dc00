"""A plugin that tells a test what happens in the server, so that no test reads logs or sleeps.

`hookserve.testing.serve` asks for it with ``-P``; each event is a line of JSON on the descriptor
named in the environment.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from hookserve.hookmarkers import hookimpl
from hookserve.system.calls import write

if TYPE_CHECKING:
    from hookserve.arbiter.arbiter import Arbiter
    from hookserve.arbiter.handles import WorkerHandle
    from hookserve.types import ExitReason

VARIABLE = "TEST_ANNOUNCE_FD"


@hookimpl(trylast=True)
def when_ready(server: Arbiter) -> None:
    """The addresses, with the real port where 0 was asked for."""
    addresses = [
        f"{listener.endpoint.host}:{listener.endpoint.port}"
        if listener.is_tcp
        else str(listener.address)
        for listener in server.listeners
    ]
    announce("listening", addresses=addresses, pid=server.pid)


@hookimpl(trylast=True)
def worker_ready(server: Arbiter, worker: WorkerHandle) -> None:
    """A worker accepts."""
    announce("ready", index=worker.index, pid=worker.pid, generation=worker.generation)


@hookimpl(trylast=True)
def child_exit(server: Arbiter, worker: WorkerHandle, reason: ExitReason) -> None:
    """A worker is gone."""
    announce("exit", index=worker.index, pid=worker.pid, kind=reason.kind, detail=reason.detail)


@hookimpl(trylast=True)
def worker_timeout(server: Arbiter, worker: WorkerHandle) -> None:
    """A worker missed a deadline."""
    announce("timeout", index=worker.index, pid=worker.pid)


@hookimpl(trylast=True)
def nworkers_changed(new_value: int) -> None:
    """The number of workers wanted changed."""
    announce("wanted", count=new_value)


@hookimpl(trylast=True)
def reload_failed(reason: str) -> None:
    """A reload was cancelled."""
    announce("reload failed", reason=reason)


@hookimpl(trylast=True)
def reloaded() -> None:
    """A reload is over."""
    announce("reloaded")


@hookimpl(trylast=True)
def successor_ready(pid: int) -> None:
    """The successor of a binary upgrade serves."""
    announce("successor ready", successor=pid)


def announce(event: str, **values: object) -> None:
    """Write an event for the test that started the server; without one, write nothing."""
    descriptor = int(os.environ.get(VARIABLE, "-1"))
    if descriptor >= 0:
        write(descriptor, json.dumps({"event": event, **values}).encode() + b"\n")
