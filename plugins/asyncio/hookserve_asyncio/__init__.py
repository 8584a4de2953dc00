"""The asyncio worker: coroutines on one event loop, and the reactor in it.

worker, loops
    the event loop, with the reactor as one of its descriptors
threads
    where applications of WSGI run

What any model with an event loop needs is the reactor's: `hookserve.reactor.coroutines`, `stacks`
and `lag`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import Capabilities, ScoreboardField, Setting, WorkerType, hookimpl
from hookserve.config.values import one_of, seconds

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_LAG_SETTING = "loop_lag_warning"

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "loop",
        "auto",
        one_of("auto", "asyncio", "uvloop"),
        "the event loop of the asyncio worker; auto: uvloop when it is installed",
    ),
    Setting(
        _LAG_SETTING,
        1.0,
        seconds,
        "warn when the event loop is blocked for this long, also gevent's or eventlet's; 0: never",
        details="The status and the metrics show how late the loop is, unless this is 0.",
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Which event loop, and how long it may be blocked."""
    return SETTINGS


@hookimpl
def scoreboard_fields(config: Config, model: WorkerType) -> list[ScoreboardField]:
    """The loop's lag, of models that watch their loop."""
    if not config.get(_LAG_SETTING) or _LAG_SETTING not in model.capabilities.settings:
        return []
    from hookserve.reactor.loop_watch import LAG_FIELD

    summary = "How late the event loop is, or how long it has been blocked; 0 without requests."
    return [ScoreboardField(LAG_FIELD, summary, is_real=True)]


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
                    {"loop", _LAG_SETTING, "threads", "spool_size", "buffer_bodies"}
                ),
            ),
            interfaces=("asgi", "wsgi"),
        )
    ]
