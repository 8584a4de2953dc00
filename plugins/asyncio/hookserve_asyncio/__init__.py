"""The asyncio worker: coroutines on one event loop, and the reactor in it.

worker, loops
    the event loop, with the reactor as one of its descriptors
threads
    where applications of WSGI run

What any model with an event loop needs is the reactor's: `hookserve.reactor.coroutines`, `stacks`
and `lag`.
"""

from __future__ import annotations

from hookserve import Capabilities, Setting, WorkerType, hookimpl
from hookserve.config.values import one_of, seconds

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "loop",
        "auto",
        one_of("auto", "asyncio", "uvloop"),
        "the event loop of the asyncio worker; auto: uvloop when it is installed",
    ),
    Setting(
        "loop_lag_warning",
        1.0,
        seconds,
        "warn when the event loop of the asyncio worker is blocked for this long; 0: never",
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Which event loop, and how long it may be blocked."""
    return SETTINGS


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``asyncio``."""
    return [
        WorkerType(
            "asyncio",
            "hookserve_asyncio.worker:AsyncioWorker",
            "coroutines on an event loop; uvloop where it is installed; WSGI in threads",
            capabilities=Capabilities(
                concurrency="as many requests at once as there are connections; WSGI: threads",
                parallel=True,
                hands_over=True,
                buffered=True,
                request_timeout="cancel",
                websocket=True,
                settings=frozenset(
                    {"loop", "loop_lag_warning", "threads", "spool_size", "buffer_bodies"}
                ),
            ),
            interfaces=("asgi", "wsgi"),
        )
    ]
