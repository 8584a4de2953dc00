"""One client's connection, whose exchanges are those of ASGI."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hookserve_http.errors import BadRequest
from hookserve_http.handshake import asks_for_websocket
from hookserve_http.suspendable_connection import SuspendableConnection

if TYPE_CHECKING:
    from hookserve_http.suspendable import SuspendableExchange

    from hookserve_asgi.exchange import AsgiExchange
    from hookserve_asgi.protocol import AsgiProtocol


class AsgiConnection(SuspendableConnection):
    """One connection."""

    __slots__ = ()

    def upgrade(self, request: SuspendableExchange) -> SuspendableExchange | None:
        """The websocket that a request asks for, or the request; `None`: it is refused."""
        if not asks_for_websocket(request.environ):
            return request
        endpoint = cast("AsgiProtocol", self.endpoint)
        try:
            return endpoint.make_websocket(cast("AsgiExchange", request))
        except BadRequest as error:
            self.refuse(error, request.environ, request.head)
            return None
