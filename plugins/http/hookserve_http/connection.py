"""One client's connection: bytes in, exchanges out (`hookserve.protocol.seam`).

The states are those of the seam.  Each method that ends in a new state returns it.

============ ============================================= =====================================
state        event                                         next state
============ ============================================= =====================================
IDLE         `feed`: part of a head                        READING_HEAD
..           `feed`: an empty line (once)                  IDLE; READING_HEAD after its CR
..           `feed`: a head without a body                 READY
..           `feed`: a head with a body                    READING_BODY, or READY if the body is
                                                           read by the application
..           `feed`: an invalid head                       READY (to send an error page)
..           `feed`: end of input; `expire`                CLOSING
READING_HEAD `feed`                                        as IDLE, never IDLE but for the empty
                                                           line
..           `feed`: end of input                          CLOSING
..           `expire`                                      READY (to send 408)
READING_BODY `feed`: part of the body                      READING_BODY; READY after
                                                           `Worker.awaited_body` bytes
..           `feed`: the end of the body, or invalid       READY
             framing
..           `feed`: end of input                          CLOSING
..           `expire`                                      READY (to send 408)
READY        `feed`: pipelined bytes, or end of input      READY
..           `run`: the response persists, no bytes left   IDLE
..           `run`: the response persists, bytes left      as `feed` in IDLE
..           `run`: the same, and the body has not ended   READING_HEAD; its rest is drained
..           `run`: an error page, or no persistence       CLOSING
CLOSING      `feed`                                        CLOSING
============ ============================================= =====================================
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hookserve.protocol.seam import (
    CLOSING,
    IDLE,
    READING_BODY,
    READING_HEAD,
    READY,
    Connection,
    Transport,
)
from hookserve_http.body import CollectedInput, DrainedBody, StreamInput
from hookserve_http.errors import BadRequest, RequestTimeout, failure_of
from hookserve_http.exchange import Exchange
from hookserve_http.fields import END
from hookserve_http.framing import Decoder, decoder_for
from hookserve_http.head import HeadParser
from hookserve_http.incomplete import IncompleteHead
from hookserve_http.refusal import RefusedRequest

if TYPE_CHECKING:
    from hookserve_http.outgoing import OutgoingResponse
    from hookserve_http.protocol import HttpProtocol

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpConnection(Connection):
    """One connection; between two exchanges it keeps no object of either."""

    __slots__ = (
        "_address",
        "_body",
        "_buffer",
        "_connection_info",
        "_exchange",
        "_head",
        "_interim",
        "_parser",
        "_port",
        "_refused",
        "_skipped_line",
        "endpoint",
    )

    endpoint: HttpProtocol
    """What all connections of its listener share."""

    def __init__(self, endpoint: HttpProtocol, parser: HeadParser, address: str, port: str) -> None:
        self.state = IDLE
        self.lingers = False
        self.endpoint = endpoint
        self._parser = parser
        self._address = address
        self._port = port
        self._buffer = b""
        self._head: IncompleteHead | None = None
        self._interim = b""
        self._exchange: OutgoingResponse | None = None
        self._connection_info: dict[str, Any] | None = None  # Any: PEP 3333
        self._body: CollectedInput | DrainedBody | _StreamedBody | None = None
        self._refused: RefusedRequest | None = None
        self._skipped_line = False

    def feed(self, data: bytes) -> int:
        """Take bytes; see `hookserve.protocol.seam.Connection.feed`."""
        if self.state != IDLE or not data:
            return self._feed_more(data)
        if data.endswith(END) and data[0] != 13:
            # Nearly always one whole head; the parser returns where it ends if it ends earlier.
            return self._take_head(data)
        return self._find_head(data)

    def _feed_more(self, data: bytes) -> int:
        """Take the end of input, or bytes that continue a head or a body."""
        if not data:
            return self._end_of_input()
        if self.state == READING_BODY:
            return self._feed_body(data)
        if self.state > READING_HEAD:
            self._buffer += data
            return self.state
        if self._body is not None:
            return self._drain_body(data)
        head = self._head
        if head is None:  # after nothing, or a CR
            return self._find_head(self._buffer + data)
        size = head.add(data)
        if not 0 < size <= self._parser.size_limit:
            return self._wait_for_head(head)
        self._head = None
        data, self._buffer = head.split(size)
        return self._take_head(data)

    def _find_head(self, data: bytes) -> int:
        """Take the beginning of a head, or all of it and what follows."""
        if data[0] == 13:
            return self._skip_line(data)
        end = data.find(END) + len(END)
        # A head over the limit is refused whether its end has arrived or not.
        if end < len(END) or end > self._parser.size_limit:
            return self._wait_for_head(IncompleteHead(data))
        self._buffer = data[end:]
        return self._take_head(data[:end])

    def _skip_line(self, data: bytes) -> int:
        """RFC 9112, 2.2: at least one empty line before a request should be ignored."""
        if len(data) == 1:
            self._buffer, self.state = data, READING_HEAD
            return READING_HEAD
        if data[1] != 10 or self._skipped_line:
            error = BadRequest("empty line instead of a request line")
            return self.refuse(error, self.endpoint.template.copy(), data)
        self._skipped_line = True
        if len(data) > 2:
            return self._find_head(data[2:])
        self._buffer, self.state = b"", IDLE
        return IDLE

    def _wait_for_head(self, head: IncompleteHead) -> int:
        self._head, self._buffer = head, b""
        refused = self._parser.check_incomplete(head)
        if refused is not None:
            return self._refuse_head(refused)
        self.state = READING_HEAD
        return READING_HEAD

    def _take_head(self, data: bytes) -> int:
        """Parse the head that `data` begins with; bytes may follow it, if they end like a head."""
        endpoint = self.endpoint
        self._skipped_line = False
        decoder = None
        try:
            environ, size = self._parser.parse(
                data, self._address, self._port, self._connection_info
            )
        except BadRequest as error:
            return self.refuse(error, error.environ, data)
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            try:
                decoder = decoder_for(environ, endpoint.body_limit)
            except BadRequest as error:
                return self.refuse(error, environ, data)
        if size != len(data):
            self._buffer = data[size:]
        make_exchange = endpoint.exchange_type
        self._exchange = make_exchange(endpoint, environ, data)
        if decoder is not None:
            return self._expect_body(decoder, environ)
        self.state = READY
        return READY

    def _expect_body(self, decoder: Decoder, environ: dict[str, Any]) -> int:  # Any: PEP 3333
        rest = self._buffer
        expects = "HTTP_EXPECT" in environ and not rest and environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        endpoint = self.endpoint
        if not endpoint.buffered and (expects or not endpoint.awaited_body):
            self._body = _StreamedBody(decoder, expects)
            self.state = READY
            return READY
        self._body = CollectedInput(decoder, endpoint.spool_size, endpoint.worker.spool)
        self._interim = _CONTINUE if expects else b""
        self._buffer = b""
        self.state = READING_BODY
        return self._feed_body(rest) if rest else READING_BODY

    def _feed_body(self, data: bytes) -> int:
        """Collect the body, or its first `Worker.awaited_body` bytes."""
        body, exchange = self._body, self._exchange
        assert isinstance(body, CollectedInput)
        assert exchange is not None
        try:
            body.take(data)
        except BadRequest as error:
            return self.refuse(error, exchange.environ, exchange.head)
        if body.is_complete:
            exchange.environ["wsgi.input"] = body.open()
            self._buffer = body.rest
            self.state = READY
        elif not self.endpoint.buffered and body.size >= self.endpoint.awaited_body:
            self._body = _StreamedBody(body.decoder, False, body.open().read())
            self.state = READY
        return self.state

    def _end_of_input(self) -> int:
        if self.state != READY:
            self.state = CLOSING
            self._drop_exchange()
        return self.state

    def _drop_exchange(self) -> None:
        """Release the head, the exchange and the body of a request that cannot run."""
        self._head = self._exchange = None
        if self._body is not None:
            self._body.close()
            self._body = None

    def _refuse_head(self, error: BadRequest) -> int:
        """Refuse a request of which part of the head has arrived."""
        head = self._buffer if self._head is None else bytes(self._head.data)
        return self.refuse(error, self.endpoint.template.copy(), head)

    def refuse(
        self, error: BadRequest, environ: Mapping[str, Any], head: bytes
    ) -> int:  # Any: PEP 3333
        """Have `run` send an error page in place of the request's response, and then close."""
        self._drop_exchange()
        self._refused = RefusedRequest(error, {**environ, "REMOTE_ADDR": self._address}, head)
        self.state = READY
        return READY

    def fail(self, error: Exception) -> int:
        """An error of the server's own while a request was taken in: a refusal that says so."""
        if self.state == CLOSING:
            return CLOSING
        if self._is_draining:
            return self._close(lingers=True)
        refused = failure_of(error)
        unexpected = None if isinstance(error, OSError | MemoryError) else error
        log = self.endpoint.worker.log
        log.error("a request from %s fails: %s", self._address, refused, exc_info=unexpected)
        exchange = self._exchange
        if exchange is None:
            return self._refuse_head(refused)
        return self.refuse(refused, exchange.environ, exchange.head)

    @property
    def _is_draining(self) -> bool:
        """Whether the rest of a body is drained, whose response the client has got."""
        return type(self._body) is DrainedBody

    def release(self) -> bytes:
        """See `hookserve.protocol.seam.Connection.release`: what has arrived behind the request."""
        data, self._buffer = self._buffer, b""
        return data

    def interim(self) -> bytes:
        """``100 Continue``, once, in READING_BODY."""
        interim, self._interim = self._interim, b""
        return interim

    def set_connection_info(self, info: Mapping[str, object]) -> None:
        """See `hookserve.protocol.seam.Connection.set_connection_info`."""
        self._connection_info = {**(self._connection_info or {}), **info}
        if "REMOTE_ADDR" in info:
            # What follows is written by this client, not by the proxy that named it.
            self._address = str(info["REMOTE_ADDR"])
            self._parser = self.endpoint.parser_for(self._address)

    def distrust(self) -> None:
        """See `hookserve.protocol.seam.Connection.distrust`."""
        self._parser = self.endpoint.strict_parser

    def expire(self) -> int:
        """A deadline has passed: a request of which a part arrived gets the status 408."""
        if self._is_draining:
            return self._close(lingers=True)
        if self.state == READING_HEAD:
            error = RequestTimeout("timeout while reading the request head")
            return self._refuse_head(error)
        exchange = self._exchange
        if self.state == READING_BODY and exchange is not None:
            error = RequestTimeout("timeout while reading the request body")
            return self.refuse(error, exchange.environ, exchange.head)
        self.state = CLOSING
        return CLOSING

    def run(self, transport: Transport) -> int:
        """Run the exchange, or send the error page."""
        exchange: Any = self._exchange  # Any: an Exchange
        if exchange is None:
            return self._send_refusal(transport)
        self._exchange = None
        if self._body is not None:
            return self._run_with_body(exchange, transport)
        exchange.run(transport)
        if self._buffer or not exchange.persists:
            return self._next_state(exchange)
        self.state = IDLE
        return IDLE

    def _run_with_body(self, exchange: Exchange, transport: Transport) -> int:
        body, self._body = self._body, None
        assert body is not None
        if type(body) is _StreamedBody:
            send_continue = exchange.send_continue if body.expects else None
            transport.begin_body()
            stream = StreamInput(
                body.decoder, self._buffer, transport.receive, send_continue, body.received
            )
            exchange.input = exchange.environ["wsgi.input"] = stream
            self._buffer = b""
        try:
            exchange.run(transport)
        finally:
            body.close()
        return self._next_state(exchange)

    def _next_state(self, exchange: OutgoingResponse) -> int:
        """The state after an exchange, with the bytes that follow it."""
        data, self._buffer = self._buffer, b""
        stream: StreamInput | None = exchange.input
        if stream is not None:
            stream.take_arrived()
            exchange.persists = exchange.persists and stream.can_drain()
            stream.release()
            data = stream.rest + data
        if not exchange.persists:
            # Without Connection: close in the response the client may still be sending.
            return self._close(lingers=bool(data or exchange.reason or stream))
        if stream is not None and not stream.decoder.is_done:
            self._body = DrainedBody(stream.decoder)
            self.state = READING_HEAD
            return READING_HEAD
        self.state = IDLE
        return self._find_head(data) if data else IDLE

    def _drain_body(self, data: bytes) -> int:
        """Take the rest of a body that the application has not read, while nothing is occupied:
        it stands before the next head, and has that head's deadline."""
        body = self._body
        assert isinstance(body, DrainedBody)
        rest = body.take(data)
        if not body.is_complete:
            return READING_HEAD
        self._body = None
        self.state = IDLE
        return self._find_head(rest) if rest else IDLE

    def _close(self, lingers: bool) -> int:
        self.lingers, self.state = lingers, CLOSING
        return CLOSING

    def _send_refusal(self, transport: Transport) -> int:
        assert self._refused is not None
        refused, self._refused = self._refused, None
        refused.send(transport, self.endpoint, self._address)
        return self._close(lingers=True)


class _StreamedBody(NamedTuple):
    """A body that is received while the application runs."""

    decoder: Decoder
    expects: bool
    received: bytes = b""
    """The part of the body that has been received already."""

    def close(self) -> None:
        """Nothing to release."""
