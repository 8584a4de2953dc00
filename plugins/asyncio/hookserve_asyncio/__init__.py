"""The asyncio worker: coroutines on one event loop, and the reactor in it.

worker, loops
    the event loop, with the reactor as one of its descriptors
coroutines
    starting a coroutine without a task of its own, until it suspends
"""

from __future__ import annotations

from hookserve import Capabilities, Setting, WorkerType, hookimpl
from hookserve.config.values import one_of

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "loop",
        "auto",
        one_of("auto", "asyncio", "uvloop"),
        "the event loop of the asyncio worker; auto: uvloop when it is installed",
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Which event loop."""
    return SETTINGS


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``asyncio``."""
    return [
        WorkerType(
            "asyncio",
            "hookserve_asyncio.worker:AsyncioWorker",
            "coroutines on an event loop; uvloop where it is installed",
            capabilities=Capabilities(
                concurrency="as many requests at once as there are connections",
                request_timeout="cancel",
                websocket=True,
                settings=frozenset({"loop"}),
            ),
            interfaces=("asgi",),
        )
    ]
