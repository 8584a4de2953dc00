"""One client's connection: bytes in, exchanges out (`hookserve.protocol.seam`)."""

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
from hookserve.types import AccessRecord
from hookserve_http.body import CollectedInput, StreamInput
from hookserve_http.errors import BadRequest, RequestTimeout, failure_of
from hookserve_http.exchange import Exchange
from hookserve_http.framing import Decoder, decoder_for
from hookserve_http.head import END, HeadParser
from hookserve_http.pages import refusal

if TYPE_CHECKING:
    from hookserve_http.protocol import HttpProtocol

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class HttpConnection(Connection):
    """One connection.  Between two exchanges it holds nothing of either."""

    __slots__ = (
        "_address",
        "_body",
        "_buffer",
        "_exchange",
        "_facts",
        "_interim",
        "_parser",
        "_port",
        "_protocol",
        "_refusal",
        "_skipped_line",
    )

    def __init__(self, protocol: HttpProtocol, parser: HeadParser, address: str, port: str) -> None:
        self.state = IDLE
        self.lingers = False
        self._protocol = protocol
        self._parser = parser
        self._address = address
        self._port = port
        self._buffer = b""
        self._interim = b""
        self._exchange: Exchange | None = None
        self._facts: dict[str, Any] | None = None  # Any: PEP 3333
        self._body: CollectedInput | _Pending | None = None
        self._refusal: _Refusal | None = None
        self._skipped_line = False

    def feed(self, data: bytes) -> int:
        """Take bytes; see `hookserve.protocol.seam.Connection.feed`."""
        if self.state != IDLE or not data:
            return self._feed_more(data)
        if data.endswith(END) and data[0] != 13:
            # One whole head, as a rule; the parser says when the head's end comes before.
            return self._take_head(data)
        return self._find_head(data, 0)

    def _feed_more(self, data: bytes) -> int:
        """Take what belongs to something begun, or the end of input."""
        if not data:
            return self._end_of_input()
        if self.state == READING_BODY:
            return self._feed_body(data)
        if self.state > READING_HEAD:
            self._buffer += data
            return self.state
        # The end may lie across the border; what came before was searched already.
        start = max(0, len(self._buffer) - 3)
        return self._find_head(self._buffer + data, start)

    def _find_head(self, data: bytes, start: int) -> int:
        if data[0] == 13:
            return self._skip_line(data)
        end = data.find(END, start) + len(END)
        # What ends beyond the limit is no better than what does not end, however it was split.
        if end < len(END) or end > self._parser.size_limit:
            return self._wait_for_head(data, start)
        self._buffer = data[end:]
        return self._take_head(data[:end])

    def _skip_line(self, data: bytes) -> int:
        """RFC 9112, 2.2: at least one empty line before a request should be ignored."""
        if len(data) == 1:
            self._buffer, self.state = data, READING_HEAD
            return READING_HEAD
        if data[1] != 10 or self._skipped_line:
            error = BadRequest("an empty line instead of a request")
            return self._refuse(error, self._protocol.template.copy(), data)
        self._skipped_line = True
        if len(data) > 2:
            return self._find_head(data[2:], 0)
        self._buffer, self.state = b"", IDLE
        return IDLE

    def _wait_for_head(self, data: bytes, start: int) -> int:
        self._buffer = data
        refused = self._parser.judge_incomplete(data, start)
        if refused is not None:
            return self._refuse(refused, self._protocol.template.copy(), data)
        self.state = READING_HEAD
        return READING_HEAD

    def _take_head(self, data: bytes) -> int:
        """A head has come, and what follows it in `data` when that ends like a head."""
        protocol = self._protocol
        self._skipped_line = False
        decoder = None
        try:
            environ, size = self._parser.parse(data, self._address, self._port, self._facts)
            if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
                decoder = decoder_for(environ, protocol.body_limit)
        except BadRequest as error:
            return self._refuse(error, error.environ, data)
        if size != len(data):
            self._buffer = data[size:]
        self._exchange = Exchange(protocol, environ, data)
        if decoder is not None:
            return self._expect_body(decoder, environ)
        self.state = READY
        return READY

    def _expect_body(self, decoder: Decoder, environ: dict[str, Any]) -> int:  # Any: PEP 3333
        rest = self._buffer
        expects = "HTTP_EXPECT" in environ and not rest and environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        protocol = self._protocol
        if not protocol.buffered and (expects or not protocol.awaited_body):
            self._body = _Pending(decoder, expects)
            self.state = READY
            return READY
        self._body = CollectedInput(decoder, protocol.spool_size, protocol.worker.spool)
        self._interim = _CONTINUE if expects else b""
        self._buffer = b""
        self.state = READING_BODY
        return self._feed_body(rest) if rest else READING_BODY

    def _feed_body(self, data: bytes) -> int:
        """Collect the body, or as much of it as is awaited."""
        body, exchange = self._body, self._exchange
        assert isinstance(body, CollectedInput)
        assert exchange is not None
        try:
            body.take(data)
        except BadRequest as error:
            return self._refuse(error, exchange.environ, exchange.label)
        if body.is_complete:
            exchange.environ["wsgi.input"] = body.open()
            self._buffer = body.rest
            self.state = READY
        elif not self._protocol.buffered and body.size >= self._protocol.awaited_body:
            self._body = _Pending(body.decoder, False, body.open().read())
            self.state = READY
        return self.state

    def _end_of_input(self) -> int:
        if self.state != READY:
            self.state = CLOSING
            self._forget()
        return self.state

    def _forget(self) -> None:
        """Let go of the exchange that was begun."""
        self._exchange = None
        if self._body is not None:
            self._body.close()
            self._body = None

    def _refuse(
        self, error: BadRequest, environ: Mapping[str, Any], label: bytes
    ) -> int:  # Any: PEP 3333
        self._forget()
        self._refusal = _Refusal(error, {**environ, "REMOTE_ADDR": self._address}, label)
        self.state = READY
        return READY

    def fail(self, error: Exception) -> int:
        """An error of the server's own while a request was taken in: a refusal that says so."""
        if self.state == CLOSING:
            return CLOSING
        refused = failure_of(error)
        unexpected = None if isinstance(error, OSError | MemoryError) else error
        log = self._protocol.worker.log
        log.error("a request from %s fails: %s", self._address, refused, exc_info=unexpected)
        exchange = self._exchange
        if exchange is None:
            return self._refuse(refused, self._protocol.template.copy(), self._buffer)
        return self._refuse(refused, exchange.environ, exchange.label)

    def interim(self) -> bytes:
        """``100 Continue``, once, while the body is awaited."""
        interim, self._interim = self._interim, b""
        return interim

    def set_connection_info(self, facts: Mapping[str, object]) -> None:
        """See `hookserve.protocol.seam.Connection.learn`."""
        self._facts = {**(self._facts or {}), **facts}
        self._address = str(self._facts.get("REMOTE_ADDR", self._address))

    def expire(self) -> int:
        """A deadline has passed: a request that had begun is answered with 408."""
        if self.state == READING_HEAD:
            error = RequestTimeout("the request head was not complete in time")
            return self._refuse(error, self._protocol.template.copy(), self._buffer)
        exchange = self._exchange
        if self.state == READING_BODY and exchange is not None:
            error = RequestTimeout("the request body was not complete in time")
            return self._refuse(error, exchange.environ, exchange.label)
        self.state = CLOSING
        return CLOSING

    def run(self, transport: Transport) -> int:
        """Run the exchange, or send the refusal."""
        exchange = self._exchange
        if exchange is None:
            return self._send_refusal(transport)
        self._exchange = None
        if self._body is not None:
            return self._run_with_body(exchange, self._body, transport)
        exchange.run(transport)
        if self._buffer or not exchange.persists:
            return self._go_on(exchange)
        self.state = IDLE
        return IDLE

    def _run_with_body(
        self, exchange: Exchange, body: CollectedInput | _Pending, transport: Transport
    ) -> int:
        self._body = None
        if type(body) is _Pending:
            before = exchange.ask_for_body if body.expects else None
            transport.limit_receiving(None)
            stream = StreamInput(body.decoder, self._buffer, transport.receive, before, body.begun)
            exchange.input = exchange.environ["wsgi.input"] = stream
            self._buffer = b""
        try:
            exchange.run(transport)
        finally:
            body.close()
        # What the application has not read is discarded, and no longer than a lingering close.
        transport.limit_receiving(self._protocol.linger_timeout)
        return self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> int:
        """The state after an exchange."""
        rest = exchange.settle()
        if exchange.input is not None:
            exchange.input.release()
        if rest is None or not exchange.persists:
            # The client was not told of an end that has a reason: it may be sending still.
            self.lingers = bool(self._buffer or exchange.reason) or exchange.input is not None
            self._buffer = b""
            self.state = CLOSING
            return CLOSING
        data = rest + self._buffer if rest else self._buffer
        self._buffer = b""
        self.state = IDLE
        return self._find_head(data, 0) if data else IDLE

    def _send_refusal(self, transport: Transport) -> int:
        assert self._refusal is not None
        refused, self._refusal = self._refusal, None
        error, environ, label = refused
        protocol = self._protocol
        worker = protocol.worker
        # Its method may not have been understood yet.
        page = refusal(error.status, protocol.writer, is_bodiless=label[:5].upper() == b"HEAD ")
        line = label.partition(b"\r\n")[0][:4096]
        request_slot = worker.begin(line.rpartition(b" HTTP/")[0] or line)
        sent = 0
        try:
            transport.send(page.head, page.body)
            sent = len(page.body)
        except BaseException:  # the client may be gone, an earlier request's timers may still run
            pass
        worker.log.debug("refused a request from %s: %s", self._address, error)
        try:
            if protocol.log_access:
                began, now = request_slot.began, worker.clock()
                record = AccessRecord(
                    environ,
                    int(error.status),
                    page.headers,
                    sent,
                    began,
                    now,
                    str(error),
                    line.decode("latin-1"),
                )
                for log in protocol.log_access:
                    log(record)
        finally:
            worker.end(request_slot, error.status // 100, sent)
        self.lingers = True
        self.state = CLOSING
        return CLOSING


class _Refusal(NamedTuple):
    """A request that is answered by the server itself."""

    error: BadRequest
    environ: dict[str, Any]  # Any: PEP 3333
    label: bytes


class _Pending(NamedTuple):
    """A body that is to be received while the application runs."""

    decoder: Decoder
    expects: bool
    begun: bytes = b""
    """What has been received of it already."""

    def close(self) -> None:
        """It holds nothing."""
