"""What all connections of one listener of one worker share, made once at boot."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import Protocol
from hookserve.worker.base import WHOLE_BODY
from hookserve_http.body import EmptyInput
from hookserve_http.file_wrapper import FileWrapper
from hookserve_http.mount import mounted
from hookserve_http.observers import NotifyObservers, make_notifier
from hookserve_http.response import HeadWriter
from hookserve_http.server_name import NAME, PORT, named_by_host
from hookserve_http.takeover import OfferTakeover, make_offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from hookserve.listeners.address import Endpoint as Address
    from hookserve.types import WSGIApplication
    from hookserve.worker.base import Worker

_RESERVED_ENTRIES = 4
_AWAITED_BODY = 65536
"""With `buffer_bodies` off, of a model that has the whole body otherwise."""


class Endpoint(Protocol):
    """The settings, the application and the caches that connections and exchanges use."""

    __slots__ = (
        "app",
        "awaited_body",
        "body_limit",
        "id_key",
        "keeps_alive",
        "log_access",
        "notify_observers",
        "offer_takeover",
        "pre_request",
        "sendfile",
        "spool_size",
        "template",
        "writer",
    )

    app: WSGIApplication
    """The application, as `wrap_application` returns it."""
    pre_request: tuple[Callable[..., None], ...]
    """Hooks that see a request before its application; empty: there are none."""
    notify_observers: NotifyObservers | None
    """Calls `post_request` and `log_access`, with a record and when it began (seconds of the
    worker's clock); `None`: there are no such hooks."""
    offer_takeover: OfferTakeover | None
    """What gives a request for another protocol the entries to take its connection over."""
    body_limit: int
    """Bytes that the body of a request may have; 0: no limit."""
    keeps_alive: bool
    """Whether connections may stay open after a response."""
    id_key: str
    """The entry of an environ that the scoreboard has of a request, if there is one."""
    writer: HeadWriter
    """Encodes the heads of responses."""
    template: dict[str, Any]  # Any: PEP 3333
    """The entries that are the same in every environ of the listener."""

    def __init__(self, worker: Worker, local: Address, buffered: bool) -> None:
        config = worker.config
        wanted = config.buffer_bodies
        has_whole_body = worker.awaited_body == WHOLE_BODY
        buffered = buffered or (has_whole_body if wanted is None else wanted)
        super().__init__(worker, local, buffered)
        self.app = self.wrap_application()
        self.pre_request = worker.pre_request
        self.log_access = worker.log_access
        self.notify_observers = make_notifier(worker)
        self.offer_takeover = make_offer(worker)
        self.body_limit = config.limit_request_body
        self.awaited_body = _AWAITED_BODY if has_whole_body else worker.awaited_body
        # A body that is read as it arrives needs no temporary file.
        self.spool_size: int = config.spool_size if buffered else sys.maxsize
        self.sendfile: bool = config.get("sendfile", True)
        self.keeps_alive = config.get("keepalive", 1.0) > 0
        self.id_key = "HTTP_X_REQUEST_ID"
        self.writer = HeadWriter(
            worker.wall_clock, worker.calendar, config.get("server_header", True)
        )
        self.template = _template(worker, local)

    def wrap_application(self) -> WSGIApplication:
        """The worker's application as exchanges call it."""
        worker = self.worker
        path = worker.config.get("script_name")
        app = worker.app if self.local.port else named_by_host(worker.app)
        return mounted(app, path, worker.log) if path else app


def _template(worker: Worker, local: Address) -> dict[str, Any]:  # Any: PEP 3333
    """The entries that are the same in every environ of a listener."""
    template = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": EmptyInput(),
        "wsgi.errors": worker.errors,
        "wsgi.multithread": worker.multithread,
        "wsgi.multiprocess": worker.multiprocess,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": worker.server_software,
        "SERVER_NAME": local.host if local.port else NAME,
        "SERVER_PORT": local.port or PORT,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
        "REQUEST_METHOD": "",
        "RAW_URI": "",
        "PATH_INFO": "",
        "QUERY_STRING": "",
    }
    # A copy of a dict has the table size of its original, and a table does not shrink.  So each
    # environ has room for a request's fields from the start and need not grow.
    reserved = {f"reserved {number}": None for number in range(_RESERVED_ENTRIES)}
    template.update(reserved)
    for name in reserved:
        del template[name]
    return template
