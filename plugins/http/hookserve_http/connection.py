"""One client's connection: bytes in, exchanges out (`hookserve.protocol`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hookserve.protocol import (
    CLOSING,
    IDLE,
    READING_BODY,
    READING_HEAD,
    READY,
    Connection,
    Protocol,
    Transport,
)
from hookserve.types import AccessRecord
from hookserve_http.body import CollectedInput, EmptyInput, StreamInput
from hookserve_http.errors import BadRequest, RequestTimeout
from hookserve_http.exchange import Exchange
from hookserve_http.file import FileWrapper
from hookserve_http.framing import Decoder, decoder_for
from hookserve_http.head import HeadParser, HeadRules
from hookserve_http.pages import refusal
from hookserve_http.response import HeadWriter
from hookserve_http.trust import trusts

if TYPE_CHECKING:
    from hookserve.net.address import Endpoint
    from hookserve.worker import Worker

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_NOTHING = EmptyInput()


class HttpProtocol(Protocol):
    """HTTP on one listener of one worker: everything that was decided at boot."""

    __slots__ = (
        "_is_trusted",
        "_strict",
        "_trusting",
        "app",
        "body_limit",
        "keeps_alive",
        "log_access",
        "post_request",
        "pre_request",
        "sendfile",
        "spool_size",
        "template",
        "writer",
    )

    def __init__(self, worker: Worker, local: Endpoint, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        config = worker.config
        self.app = worker.app
        self.pre_request = worker.pre_request
        self.post_request = worker.post_request
        self.log_access = worker.log_access
        self.body_limit: int = config.limit_request_body
        self.spool_size: int = config.spool_size
        self.sendfile: bool = config.get("sendfile", True)
        self.keeps_alive: bool = config.get("keepalive", 1.0) > 0
        self.writer = HeadWriter(worker.wall_clock)
        self.template = _template(worker, local)
        self._is_trusted = trusts(config.forwarded_allow_ips)
        self._strict = HeadParser(_rules(config, trusted=False))
        self._trusting = HeadParser(_rules(config, trusted=True))

    def connect(self, peer: object) -> HttpConnection:
        """A connection with that peer."""
        if isinstance(peer, tuple):
            host = peer[0]
            parser = self._trusting if self._is_trusted(host) else self._strict
            return HttpConnection(self, parser, host, str(peer[1]))
        return HttpConnection(self, self._trusting, "", "")


class HttpConnection(Connection):
    """One connection."""

    __slots__ = (
        "_address",
        "_buffer",
        "_collected",
        "_environ",
        "_exchange",
        "_interim",
        "_label",
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
        self._environ: dict[str, Any] = {}  # Any: PEP 3333
        self._exchange: Exchange | None = None
        self._collected: CollectedInput | None = None
        self._refusal: BadRequest | None = None
        self._skipped_line = False

    def feed(self, data: bytes) -> int:
        """Take bytes; see `hookserve.protocol.Connection.feed`."""
        if not data:
            return self._end_of_input()
        if self.state == READING_BODY:
            return self._feed_body(data)
        if self.state > READING_HEAD:
            self._buffer += data
            return self.state
        if self._buffer:
            # The end may lie across the border; what came before was searched already.
            start = max(0, len(self._buffer) - 3)
            data = self._buffer + data
        else:
            start = 0
        return self._feed_head(data, start)

    def _feed_head(self, data: bytes, start: int) -> int:
        if data[0] == 13 and len(data) > 1:
            # RFC 9112, 2.2: at least one empty line before a request should be ignored.
            if data[1] == 10 and not self._skipped_line:
                self._skipped_line = True
                data, start = data[2:], 0
                if not data:
                    self._buffer, self.state = b"", IDLE
                    return IDLE
            if data[0] == 13 and len(data) > 1:
                self._label = data
                return self._refuse(BadRequest("an empty line instead of a request"))
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            return self._wait_for_head(data)
        self._skipped_line = False
        environ = self._protocol.template.copy()
        environ["REMOTE_ADDR"] = self._address
        environ["REMOTE_PORT"] = self._port
        self._environ = environ
        self._label = data
        try:
            self._parser.parse(data[:end], environ)
            decoder = decoder_for(environ, self._protocol.body_limit)
        except BadRequest as error:
            return self._refuse(error)
        persists = self._persists(environ)
        exchange = self._exchange = Exchange(self._protocol, environ, persists)
        if exchange.is_http11:
            environ["wsgi.early_hints"] = exchange.early_hints
        rest = data[end + 4 :]
        if decoder is None:
            environ["wsgi.input"] = _NOTHING
            self._buffer = rest
            self.state = READY
            return READY
        return self._expect_body(decoder, environ, rest)

    def _wait_for_head(self, data: bytes) -> int:
        self._buffer = data
        refused = self._parser.too_long(data)
        if refused is not None:
            self._environ = self._protocol.template.copy()
            self._label = data
            return self._refuse(refused)
        self.state = READING_HEAD if data else IDLE
        return self.state

    def _persists(self, environ: dict[str, Any]) -> bool:  # Any: PEP 3333
        """What the client wants of its connection (RFC 9112, 9.3)."""
        option = environ.get("HTTP_CONNECTION")
        if environ["REQUEST_METHOD"] == "CONNECT" or not self._protocol.keeps_alive:
            return False
        if option is None:
            return bool(environ["SERVER_PROTOCOL"] != "HTTP/1.0")
        options = [each.strip(" \t") for each in option.lower().split(",")]
        if "close" in options:
            return False
        return environ["SERVER_PROTOCOL"] != "HTTP/1.0" or "keep-alive" in options

    def _expect_body(
        self,
        decoder: Decoder,
        environ: dict[str, Any],
        rest: bytes,  # Any: PEP 3333
    ) -> int:
        expects = "HTTP_EXPECT" in environ and not rest and environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        if self._protocol.buffered:
            self._collected = CollectedInput(
                decoder, self._protocol.spool_size, self._protocol.worker.spool
            )
            self._interim = _CONTINUE if expects else b""
            self.state = READING_BODY
            return self._feed_body(rest) if rest else READING_BODY
        self._buffer = rest
        self._collected = None
        environ["wsgi.input"] = self._stream_later(decoder, expects)
        self.state = READY
        return READY

    def _stream_later(self, decoder: Decoder, expects: bool) -> _Pending:
        return _Pending(decoder, expects)

    def _feed_body(self, data: bytes) -> int:
        """Only when buffered: collect the body."""
        assert self._collected is not None
        try:
            self._collected.take(data)
        except BadRequest as error:
            return self._refuse(error)
        if self._collected.is_complete:
            self._environ["wsgi.input"] = self._collected.open()
            self._buffer = self._collected.rest
            self.state = READY
        return self.state

    def _end_of_input(self) -> int:
        if self.state != READY:
            self.state = CLOSING
            self._drop_body()
        return self.state

    def _drop_body(self) -> None:
        if self._collected is not None:
            self._collected.close()
            self._collected = None

    def _refuse(self, error: BadRequest) -> int:
        self._refusal = error
        self._drop_body()
        self.state = READY
        return READY

    def interim(self) -> bytes:
        """``100 Continue``, once, while the body is awaited."""
        interim, self._interim = self._interim, b""
        return interim

    def expire(self) -> int:
        """A deadline has passed: a request that had begun is answered with 408."""
        if self.state == READING_HEAD:
            self._environ = self._protocol.template.copy()
            self._label = self._buffer
            return self._refuse(RequestTimeout("the request head was not complete in time"))
        if self.state == READING_BODY:
            return self._refuse(RequestTimeout("the request body was not complete in time"))
        self.state = CLOSING
        return CLOSING

    def run(self, transport: Transport) -> int:
        """Run the exchange, or send the refusal."""
        if self._refusal is not None:
            return self._send_refusal(self._refusal, transport)
        exchange = self._exchange
        assert exchange is not None
        pending = self._environ["wsgi.input"]
        if type(pending) is _Pending:
            before = transport_asker(transport) if pending.expects else None
            exchange.input = self._environ["wsgi.input"] = _make_stream(
                pending, self._buffer, transport, before
            )
            self._buffer = b""
        try:
            exchange.run(transport, self._label)
        finally:
            self._drop_body()
        return self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> int:
        """The state after an exchange."""
        self._exchange = None
        rest = exchange.settle()
        if rest is None or not exchange.persists:
            self.lingers = bool(self._buffer) or exchange.input is not None
            self.state = CLOSING
            return CLOSING
        data = rest + self._buffer if rest else self._buffer
        self._buffer = b""
        self.state = IDLE
        return self._feed_head(data, 0) if data else IDLE

    def _send_refusal(self, error: BadRequest, transport: Transport) -> int:
        protocol = self._protocol
        worker = protocol.worker
        page = refusal(error.status, protocol.writer, is_bodiless=False)
        flight = worker.begin(self._label)
        sent = 0
        try:
            transport.send(page.head, page.body)
            sent = len(page.body)
        except OSError:
            pass
        finally:
            worker.end(flight, error.status, sent)
        worker.log.debug("refused a request from %s: %s", self._address, error)
        if protocol.log_access:
            line = self._label.partition(b"\r\n")[0][:4096].decode("latin-1")
            environ = {**self._environ, "REMOTE_ADDR": self._address}
            record = AccessRecord(environ, int(error.status), page.headers, sent,
                                  worker.clock() - flight.began, str(error), line)  # fmt: skip
            for log in protocol.log_access:
                log(record)
        self._refusal = None
        self.lingers = True
        self.state = CLOSING
        return CLOSING


class _Pending:
    """A body that is to be received while the application runs."""

    __slots__ = ("decoder", "expects")

    def __init__(self, decoder: Decoder, expects: bool) -> None:
        self.decoder = decoder
        self.expects = expects


def _make_stream(
    pending: _Pending, initial: bytes, transport: Transport, before: Callable[[], None] | None
) -> StreamInput:
    return StreamInput(pending.decoder, initial, transport.receive, before)


def transport_asker(transport: Transport) -> Callable[[], None]:
    """Sends ``100 Continue`` when the application first reads (RFC 9110, 10.1.1)."""

    def ask() -> None:
        transport.send(_CONTINUE)

    return ask


def _template(worker: Worker, local: Endpoint) -> dict[str, Any]:  # Any: PEP 3333
    """What is the same in every environ of a listener."""
    return {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https" if local.tls else "http",
        "wsgi.errors": worker.errors,
        "wsgi.multithread": worker.multithread,
        "wsgi.multiprocess": worker.multiprocess,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.input_terminated": True,
        "SERVER_SOFTWARE": "hookserve",
        "SERVER_NAME": local.host,
        "SERVER_PORT": local.port,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SCRIPT_NAME": "",
        "REMOTE_ADDR": "",
        "REMOTE_PORT": "",
        "REQUEST_METHOD": "",
        "RAW_URI": "",
        "PATH_INFO": "",
        "QUERY_STRING": "",
    }


def _rules(config: Any, trusted: bool) -> HeadRules:  # Any: the configuration's attributes vary
    secure = {
        "HTTP_" + name.upper().replace("-", "_"): value
        for name, value in config.secure_scheme_headers.items()
    }
    return HeadRules(
        limit_request_line=config.limit_request_line,
        limit_request_fields=config.limit_request_fields,
        limit_request_field_size=config.limit_request_field_size,
        permit_obsolete_folding=config.permit_obsolete_folding,
        strip_header_spaces=config.strip_header_spaces,
        permit_unconventional_http_method=config.permit_unconventional_http_method,
        permit_unconventional_http_version=config.permit_unconventional_http_version,
        casefold_http_method=config.casefold_http_method,
        header_map=config.header_map,
        forwarder_headers=frozenset(config.forwarder_headers) if trusted else frozenset(),
        secure_scheme_headers=secure if trusted else None,
    )
