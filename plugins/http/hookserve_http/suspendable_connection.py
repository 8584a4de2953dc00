"""One client's connection whose exchanges may be suspended (`hookserve.protocol.seam`).

Up to the end of a head it is HTTP's (`hookserve_http.connection`).  Then the application is begun,
whether its body is there or not; from then on:

========== ======================================================= ===========================
state      event                                                   next state
========== ======================================================= ===========================
READY      `run`: the application has responded                    as after an exchange of HTTP
..         `run`: it goes on                                       SUSPENDED, or PAUSED
SUSPENDED  `feed`: part of the body, or frames of a websocket      SUSPENDED; PAUSED when it is
                                                                   more than the application takes
..         `feed`: the next request                                PAUSED
..         `feed`: the end of input                                SUSPENDED
..         `feed`, `leave`: a websocket has something to send      READY
..         `run`: there is something to send                       SUSPENDED, or PAUSED
..         `run`: the application has responded                    as after an exchange of HTTP
PAUSED     `run`                                                   as in SUSPENDED
========== ======================================================= ===========================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from hookserve.protocol.seam import IDLE, PAUSED, READY, ConnectionHandle, Transport
from hookserve_http.connection import HttpConnection
from hookserve_http.errors import BadRequest
from hookserve_http.framing import Decoder
from hookserve_http.request_body import RequestBody

if TYPE_CHECKING:
    from hookserve_http.fields import FieldLists
    from hookserve_http.head import HeadParser
    from hookserve_http.repeated import Client, RepeatedHead, RepeatedHeads
    from hookserve_http.suspendable import SuspendableExchange
    from hookserve_http.suspending import SuspendingProtocol


class SuspendableConnection(HttpConnection):
    """One connection."""

    __slots__ = ("_current", "_last", "client", "handle")

    handle: ConnectionHandle
    """The worker's side of the connection: has `run` called once more."""
    client: Client
    """Who has connected."""

    def __init__(
        self, endpoint: SuspendingProtocol, parser: HeadParser, address: str, port: str
    ) -> None:
        super().__init__(endpoint, parser, address, port)
        self.client = (address, int(port or 0)) if address else None
        self._last: RepeatedHead | None = None
        """Of the request before, if its head is repeated."""
        self._current: SuspendableExchange | None = None
        """The exchange that has begun and is not over."""

    @property
    def fields(self) -> FieldLists:
        """The lists of header fields, for heads of this client's."""
        return self._parser.field_lists

    @property
    def has_more(self) -> bool:
        """Whether bytes have arrived that follow the request."""
        return bool(self._buffer)

    def attach(self, handle: ConnectionHandle) -> None:
        """As `Connection.attach`."""
        self.handle = handle

    def _take_head(self, data: bytes) -> int:
        """As of HTTP; a head that clients repeat is not parsed again."""
        endpoint, head = self.endpoint, self._last
        if head is None or head.data != data:  # to compare is cheaper than to hash
            heads: Any = self._parser.repeated  # Any: RepeatedHeads; None only in WSGI's
            head = heads.get(data)
            if head is None or self._connection_info is not None:
                return self._take_new_head(data, heads)
            self._last = head
        self._skipped_line = False
        make_exchange: Any = endpoint.exchange_type  # Any: a type of SuspendableExchange
        self._exchange = exchange = make_exchange(endpoint, head.environ, data, head.traits)
        exchange.repeated, exchange.client = head, self.client
        self.state = READY
        return READY

    def _take_new_head(self, data: bytes, heads: RepeatedHeads) -> int:
        state = super()._take_head(data)
        exchange = cast("SuspendableExchange | None", self._exchange)
        if exchange is not None:
            exchange.repeated = None
            is_whole = exchange.input is None and not self._buffer
            is_alone = exchange.environ["REMOTE_ADDR"] is self._address
            if is_whole and is_alone and self._connection_info is None:
                heads.note(data, exchange)
        return state

    def run(self, transport: Transport) -> int:
        """Begin an exchange, or send what one that was suspended has to say."""
        current = self._current
        if current is not None:
            current.send_pending(transport)
        elif self._exchange is None:
            return self._send_refusal(transport)
        else:
            begun: Any = self._exchange  # Any: a SuspendableExchange
            self._exchange = None
            if begun.repeated is None and "HTTP_UPGRADE" in begun.environ:
                begun = self.upgrade(begun)
                if begun is None:
                    return self._send_refusal(transport)
            current = begun
            self._current = current
            current.begin(self, transport)
        if not current.is_over:
            return self._suspend(current)
        self._current = None
        if self._buffer or not current.persists or current.input is not None:
            return self._next_state(current)
        self.state = IDLE
        return IDLE

    def drained(self) -> int:
        """As `Connection.drained`."""
        current = self._current
        if current is None:
            return self.state
        current.drained()
        return self._suspend(current)

    def leave(self) -> int:
        """As `Connection.leave`."""
        current = self._current
        if current is None:
            return self.state
        current.leave()
        return self._suspend(current)

    def disconnected(self) -> None:
        """As `Connection.disconnected`."""
        if self._current is not None:
            self._current.disconnect(ConnectionResetError("the client is gone"))

    def _feed_more(self, data: bytes) -> int:
        current = self._current
        if current is None:
            return super()._feed_more(data)
        if not data:
            current.end_input()
        elif current.takes_input:
            current.feed(data)
        else:
            self._buffer += data
        return self._suspend(current)

    def _suspend(self, current: SuspendableExchange) -> int:
        if self._buffer and current.takes_input:  # of a websocket, from before it was accepted
            data, self._buffer = self._buffer, b""
            current.feed(data)
        self.state = PAUSED if self._buffer else current.state
        return self.state

    def upgrade(self, request: SuspendableExchange) -> SuspendableExchange | None:
        """What is begun for a request with an Upgrade field; `None`: it is refused."""
        return request

    def _expect_body(self, decoder: Decoder, environ: dict[str, Any]) -> int:  # Any: PEP 3333
        """The application begins at once, with what has arrived."""
        rest, self._buffer = self._buffer, b""
        exchange = cast("SuspendableExchange", self._exchange)
        expects = "HTTP_EXPECT" in environ and not rest and environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        exchange.input = RequestBody(decoder, expects)
        if rest:
            try:
                exchange.input.feed(rest)
            except BadRequest as error:
                return self.refuse(error, environ, exchange.head)
        self.state = READY
        return READY
