"""The tornado worker: WSGI on the IOLoop, and tornado's own applications natively.

worker
    the asyncio worker on an IOLoop; WSGI in the loop
native
    HTTP for applications of tornado's
"""

from __future__ import annotations

from hookserve import Capabilities, ProtocolType, WorkerType, hookimpl

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
                request_timeout="cancel",
                settings=frozenset({"spool_size", "loop_lag_warning"}),
                concurrency="WSGI: one request at a time; tornado: coroutines",
                websocket=True,
            ),
            interfaces=("wsgi", "tornado"),
        )
    ]


@hookimpl
def protocol_types() -> list[ProtocolType]:
    """``http``, for applications of the interface ``tornado``."""
    return [
        ProtocolType(
            "http",
            "hookserve_tornado.native.protocol:TornadoProtocol",
            "HTTP/1.1 and 1.0 to tornado.web.Application",
            interface="tornado",
            application_class="tornado.httputil:HTTPServerConnectionDelegate",
        )
    ]
