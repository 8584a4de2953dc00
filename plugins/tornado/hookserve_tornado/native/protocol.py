"""tornado's interface on one listener of one worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from hookserve_http.suspending import SuspendingProtocol
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.web import Application

from hookserve import BootError
from hookserve.protocol.seam import Protocol
from hookserve_tornado.native.exchange import TornadoExchange
from hookserve_tornado.native.handlers import Handlers

if TYPE_CHECKING:
    from hookserve_http.outgoing import OutgoingResponse

    from hookserve.listeners.address import Endpoint as Address
    from hookserve.worker.base import Worker

_BODY_LIMIT = 104857600
"""Bytes that a body may have where no setting says so: tornado's own limit."""


class TornadoProtocol(SuspendingProtocol):
    """HTTP whose applications are tornado's."""

    __slots__ = ("application", "done", "max_body_size")

    exchange_class: ClassVar[type[OutgoingResponse]] = TornadoExchange

    def __init__(self, worker: Worker, local: Address, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        app: object = worker.app
        if not isinstance(app, HTTPServerConnectionDelegate):
            raise BootError(
                f"{type(app).__name__} is not an application of tornado's (it is no"
                " tornado.web.Application; leave --interface out, or mend the middleware)"
            )
        self.application = app
        self.max_body_size = self.body_limit or _BODY_LIMIT
        """Bytes; an application may set another for a request, up to `limit_request_body`."""
        self.done = self.loop.create_future()
        """What a write returns that need not be waited for."""
        self.done.set_result(None)

    @classmethod
    def begin_service(cls, protocols: Sequence[Protocol]) -> None:
        """Have the application's handlers run as requests do, once for all listeners."""
        super().begin_service(protocols)
        first = cast("TornadoProtocol", protocols[0])
        if isinstance(first.application, Application):
            Handlers(first.application, first.loop, first.start_coroutine)
