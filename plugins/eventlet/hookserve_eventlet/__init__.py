"""The eventlet worker: a greenlet a request, on eventlet's hub.

worker
    the primitives that `GreenWorker` asks for
patch
    makes the standard library cooperative, before the application is imported
"""

from __future__ import annotations

from hookserve import Capabilities, WorkerType, hookimpl

__version__ = "0.1.0"


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``eventlet``."""
    return [
        WorkerType(
            "eventlet",
            "hookserve_eventlet.worker:EventletWorker",
            "a greenlet for each request, on eventlet's hub",
            patch="hookserve_eventlet.patch:patch",
            capabilities=Capabilities(
                parallel=True,
                hands_over=True,
                concurrency="as many requests at once as there are connections, in greenlets",
                request_timeout="cancel",
                settings=frozenset({"loop_lag_warning"}),
            ),
        )
    ]
