"""The tornado worker: WSGI on the IOLoop, and tornado's own applications natively.

worker
    WSGI on the reactor, inside the IOLoop
native, observation
    Tornado's own applications on its HTTPServer; hooks and counters around their requests
streams, containment
    their clients' deadlines and evictions; what a handler raises fails its own request
"""

from __future__ import annotations

from hookserve import Capabilities, WorkerType, hookimpl

__version__ = "0.1.0"


@hookimpl
def worker_types() -> list[WorkerType]:
    """One model, ``tornado``."""
    return [
        WorkerType(
            "tornado",
            "hookserve_tornado.worker:TornadoWorker",
            "WSGI on the IOLoop; tornado applications natively, websockets included",
            capabilities=Capabilities(
                buffered=True,
                settings=frozenset({"spool_size"}),
                concurrency="WSGI: one request at a time; tornado: coroutines",
                websocket=True,
            ),
        )
    ]
