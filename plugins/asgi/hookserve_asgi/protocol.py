"""ASGI on one listener of one worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hookserve_http.errors import BadRequest, NotInstalled
from hookserve_http.handshake import read_handshake
from hookserve_http.suspending import SuspendingProtocol

from hookserve.protocol.seam import Protocol
from hookserve_asgi.connection import AsgiConnection
from hookserve_asgi.deadlines import Deadlines
from hookserve_asgi.exchange import AsgiExchange
from hookserve_asgi.lifespan import Lifespan
from hookserve_asgi.scope import as_coroutine_function

if TYPE_CHECKING:
    from hookserve_http.connection import HttpConnection
    from hookserve_http.outgoing import OutgoingResponse

    from hookserve.listeners.address import Endpoint as Address
    from hookserve.worker.base import Worker


class AsgiProtocol(SuspendingProtocol):
    """HTTP whose applications are coroutines."""

    __slots__ = (
        "_has_warned",
        "_lifespan",
        "application",
        "deflates",
        "message_limit",
        "ping_interval",
        "ping_timeout",
        "root_path",
        "server",
        "state",
        "websockets",
    )

    connection_type: ClassVar[type[HttpConnection]] = AsgiConnection
    exchange_class: ClassVar[type[OutgoingResponse]] = AsgiExchange

    def __init__(self, worker: Worker, local: Address, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        self.root_path: str = worker.config.get("script_name")
        self.server = (local.host, int(local.port) if local.port else None)
        self.state: dict[str, Any] | None = None  # Any: the application's
        """What the application has left there in its lifespan; `None`: it has none."""
        self.application = as_coroutine_function(worker.app)
        self._lifespan: Lifespan | None = None
        self._has_warned = False
        self.message_limit: int = worker.config.websocket_max_size
        self.deflates: bool = worker.config.websocket_deflate
        self.ping_interval: float = worker.config.websocket_ping_interval
        self.ping_timeout: float = worker.config.websocket_ping_timeout
        slack = min(self.ping_interval or 4.0, self.ping_timeout or 4.0, 4.0) / 4
        self.websockets = Deadlines(self.loop, slack)

    def make_websocket(self, request: AsgiExchange) -> AsgiExchange:
        """The websocket that a request asks for; raises BadRequest."""
        handshake = read_handshake(request.environ)
        if request.takes_input:
            raise BadRequest("a websocket handshake with a body")
        try:
            from hookserve_asgi.websocket import WebsocketExchange
        except ModuleNotFoundError as error:
            raise self._not_installed(error) from None
        if self.request_ids is None:
            return WebsocketExchange(request, handshake)
        from hookserve_http.request_ids import identified_exchange

        make: Any = identified_exchange(WebsocketExchange)  # Any: a WebsocketExchange
        websocket: WebsocketExchange = make(request, handshake)
        return websocket

    def _not_installed(self, error: ModuleNotFoundError) -> Exception:
        if (error.name or "").partition(".")[0] != "websockets":
            return error
        if not self._has_warned:
            self._has_warned = True
            message = "websockets are refused: pip install hookserve[websocket]"
            self.worker.log.warning(message)
        return NotInstalled("the package websockets is not installed")

    @classmethod
    def begin_service(cls, protocols: Sequence[Protocol]) -> None:
        """Have the application start, once for all listeners."""
        super().begin_service(protocols)
        found = cast("Sequence[AsgiProtocol]", protocols)
        first = found[0]
        worker = first.worker
        lifespan = Lifespan(first.application, worker.config.lifespan, worker.log)
        first.loop.run_until_complete(lifespan.start())
        first._lifespan = lifespan
        for each in found:
            each.state = lifespan.state

    @classmethod
    def end_service(cls, protocols: Sequence[Protocol]) -> None:
        """Have the application end."""
        first = cast("AsgiProtocol", protocols[0])
        if first._lifespan is not None:
            limit = max(0.0, first.worker.ends_by - first.worker.clock())
            first.loop.run_until_complete(first._lifespan.stop(limit))
