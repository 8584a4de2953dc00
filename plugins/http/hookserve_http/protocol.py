"""HTTP on one listener of one worker (`hookserve.protocol.seam.Protocol`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from hookserve import AccessRecord
from hookserve.protocol.trust import trust_in_all, trusts
from hookserve.requests import REQUEST_ID
from hookserve_http.connection import HttpConnection
from hookserve_http.endpoint import Endpoint
from hookserve_http.exchange import Exchange
from hookserve_http.head import HeadParser
from hookserve_http.rules import rules_for

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.address import Endpoint as Address
    from hookserve.protocol.seam import Protocol
    from hookserve.types import RequestInFlight
    from hookserve.worker.base import Worker
    from hookserve_http.hooks import Answer
    from hookserve_http.outgoing import OutgoingResponse
    from hookserve_http.request_ids import RequestIds
    from hookserve_http.saturation import Saturation


class HttpProtocol(Endpoint):
    """Makes connections: with one parser for trusted proxies, with another for other clients."""

    __slots__ = (
        "_is_trusted",
        "_make_connection",
        "answered",
        "answers",
        "exchange_type",
        "request_ids",
        "saturation",
        "strict_parser",
        "trusting_parser",
    )

    connection_type: ClassVar[type[HttpConnection]] = HttpConnection
    """What is made for each client; settings may have a class derived from it take its place."""
    exchange_class: ClassVar[type[OutgoingResponse]] = Exchange
    """What is made for each request; with `request_id` one derived from it takes its place."""

    exchange_type: type[OutgoingResponse]
    """That which is made: `exchange_class`, or the one in its place."""
    request_ids: RequestIds | None
    """Those of requests; `None`: requests have none."""
    strict_parser: HeadParser
    """For heads that speak for their own connection only."""
    trusting_parser: HeadParser
    """For those of trusted proxies."""
    saturation: Saturation
    """What is refused; only with `queue_timeout`."""

    answers: Mapping[str, Answer]
    """What the server answers itself, by path; set where there is any."""
    answered: tuple[bytes, ...]
    """What the head of a request for one of them begins with."""

    def __init__(self, worker: Worker, local: Address, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        config = worker.config
        self._make_connection = self.connection_type
        self.exchange_type = self.exchange_class
        self.request_ids = self._make_ids(config.get("request_id", ""))
        self._is_trusted = trusts(config.forwarded_allow_ips)
        make_strict = self._parser_type(HeadParser, believes=False)
        self.strict_parser = make_strict(rules_for(config, trusted=False), self.template)
        self.trusting_parser = self._make_trusting(config)
        limit: float = config.get("queue_timeout", 0.0)
        if limit:
            from hookserve_http.saturation import Saturation, with_saturation

            self._make_connection = with_saturation(self._make_connection)
            self.saturation = Saturation(self, limit)

    @classmethod
    def begin_service(cls, protocols: Sequence[Protocol]) -> None:
        """As `Protocol.begin_service`: ask the plugins what the server answers itself."""
        found = cast("Sequence[HttpProtocol]", protocols)
        worker = found[0].worker
        if not getattr(worker.context.host.hook, "http_answers", None):
            return
        from hookserve_http.server_paths import find_answers, prefixes, with_answers

        answers = find_answers(worker)
        for each in found if answers else ():
            each.answers = answers
            each.answered = prefixes(answers)
            each._make_connection = with_answers(each._make_connection)

    @classmethod
    def describe_request(cls, label: bytes) -> str:
        """As `Protocol.describe_request`: method and target, of a head."""
        line = super().describe_request(label)
        method, _, rest = line.partition(" ")
        return f"{method} {rest.rpartition(' HTTP/')[0] or rest}".strip()

    @classmethod
    def lost_request_record(cls, request: RequestInFlight, reason: str, now: float) -> AccessRecord:
        """As `Protocol.lost_request_record`: a partial environ, and status 0."""
        method, _, target = request.label.partition(" ")
        path, _, query = target.partition("?")
        environ = {
            "REQUEST_METHOD": method,
            "RAW_URI": target,
            "PATH_INFO": path,
            "QUERY_STRING": query,
        }
        if request.id:
            environ["HTTP_X_REQUEST_ID"] = environ[REQUEST_ID] = request.id
        began = now - request.elapsed
        return AccessRecord(environ, 0, [], 0, began, now, reason, request.label)

    def connect(self, peer: object) -> HttpConnection:
        """A connection with the client at that address, as accept() returned it."""
        host, port = (peer[0], str(peer[1])) if isinstance(peer, tuple) else ("", "")
        return self._make_connection(self, self.parser_for(host), host, port)

    def parser_for(self, host: str) -> HeadParser:
        """The parser for heads that are written at this address."""
        return self.trusting_parser if self._is_trusted(host) else self.strict_parser

    def _make_trusting(self, config: Config) -> HeadParser:
        rules = rules_for(config, trusted=True)
        if not config.client_header:
            return self._parser_type(HeadParser, believes=True)(rules, self.template)
        from hookserve_http.forwarded import ForwardedParser

        # Where every address is trusted, what a client wrote looks like one more proxy.
        hops = config.proxy_hops or int(bool(trust_in_all(config.forwarded_allow_ips)))
        make: Any = self._parser_type(ForwardedParser, believes=True)  # Any: a ForwardedParser
        parser: HeadParser = make(
            rules, self.template, config.client_header, self._is_trusted, hops
        )
        return parser

    def _make_ids(self, header: str) -> RequestIds | None:
        """Have requests identified by that header, where there is one."""
        if not header:
            return None
        from hookserve_http.request_ids import (
            RequestIds,
            identified_exchange,
            identifying_connection,
        )

        kind: Any = self.exchange_class  # Any: mypy does not see that it is hashable
        self.exchange_type = identified_exchange(kind)
        self._make_connection = identifying_connection(self._make_connection)
        self.id_key = REQUEST_ID
        return RequestIds(header)

    def _parser_type(self, kind: type[HeadParser], believes: bool) -> type[HeadParser]:
        """That kind, or what identifies requests besides; by the id of a client it `believes`."""
        if self.request_ids is None:
            return kind
        from hookserve_http.request_ids import identifying_parser

        return identifying_parser(kind, self.request_ids, believes)
