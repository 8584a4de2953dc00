"""An application of WSGI takes its connection over: the entries of the environ by which it can.

The client has to ask for another protocol, by ``Upgrade`` (RFC 9110, 7.8) or the method CONNECT
(9.3.6): of any other request the server's framing is what keeps the next one apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookserve.plugins import calling
from hookserve.protocol.seam import Transport
from hookserve_http.fields import split_list

if TYPE_CHECKING:
    from hookserve.worker.base import Worker
    from hookserve_http.outgoing import OutgoingResponse

NAME = "hookserve.take_over"
"""The key of the entry; `hookserve_http.exchange.Exchange.take_over` is its value."""

OfferTakeover = Callable[["OutgoingResponse"], None]


def make_offer(worker: Worker) -> OfferTakeover | None:
    """A function for exchanges whose request may ask for another protocol; `None` where no
    application can take a connection over."""
    if worker.interface != "wsgi" or not worker.hands_over:
        return None
    adapters = [each for _, each in calling.collect(worker.context.host.hook.takeover_adapters)]

    def offer(exchange: Any) -> None:  # Any: an Exchange, which imports this module
        environ = exchange.environ
        if asks_for_other_protocol(environ):
            take_over = environ[NAME] = exchange.take_over
            for adapt in adapters:
                adapt(environ, take_over)

    return offer


def asks_for_other_protocol(environ: dict[str, Any]) -> bool:  # Any: PEP 3333
    """Whether the client is prepared to go on in another protocol."""
    if environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        return False
    if environ["REQUEST_METHOD"] == "CONNECT":
        return True
    options = split_list(environ.get("HTTP_CONNECTION", "").lower())
    return "upgrade" in options and bool(environ.get("HTTP_UPGRADE"))


class TakenTransport(Transport):
    """Replaces the transport of a connection that has been taken over: the server sends nothing."""

    __slots__ = ()

    def send(self, *buffers: bytes) -> None:
        """Drop what the application responds after it."""

    def receive(self, size: int) -> bytes:
        """There is nothing to receive."""
        return b""
