"""The gevent worker: a greenlet a request, on libev.

worker
    the primitives that `GreenWorker` asks for; the reactor's turns run in the hub
    (`hookserve.reactor.green`)
patch
    makes the standard library cooperative, before the application is imported
"""

from __future__ import annotations

from hookserve import Capabilities, WorkerType, hookimpl

__version__ = "0.1.0"


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``gevent``."""
    return [
        WorkerType(
            "gevent",
            "hookserve_gevent.worker:GeventWorker",
            "a greenlet for each request, on libev",
            patch="hookserve_gevent.patch:patch",
            capabilities=Capabilities(
                parallel=True,
                hands_over=True,
                concurrency="as many requests at once as there are connections, in greenlets",
                request_timeout="cancel",
                settings=frozenset({"loop_lag_warning"}),
            ),
        )
    ]
