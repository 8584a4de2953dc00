"""HTTP on one listener of one worker: everything that was decided at boot."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hookserve import AccessRecord
from hookserve.protocol.seam import Protocol
from hookserve.protocol.trust import trusts
from hookserve_http.body import EmptyInput
from hookserve_http.connection import HttpConnection
from hookserve_http.file import FileWrapper
from hookserve_http.head import HeadParser
from hookserve_http.observers import make_teller
from hookserve_http.response import HeadWriter
from hookserve_http.rules import rules_for

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.address import Endpoint
    from hookserve.types import RequestInFlight
    from hookserve.worker.base import Worker

_SPARE_ENTRIES = 4


class HttpProtocol(Protocol):
    """The protocol; its connections share what is here."""

    __slots__ = (
        "_is_trusted",
        "_strict",
        "_trusting",
        "app",
        "awaited_body",
        "body_limit",
        "keeps_alive",
        "linger_timeout",
        "log_access",
        "pre_request",
        "sendfile",
        "spool_size",
        "tell_observers",
        "template",
        "writer",
    )

    def __init__(self, worker: Worker, local: Endpoint, buffered: bool) -> None:
        super().__init__(worker, local, buffered)
        config = worker.config
        self.app = worker.app
        self.pre_request = worker.pre_request
        self.log_access = worker.log_access
        self.tell_observers = make_teller(worker)
        self.body_limit: int = config.limit_request_body
        self.awaited_body = worker.awaited_body
        self.linger_timeout: float = config.linger_timeout
        # Where bodies are not complete before they are read, a file would only be in between.
        self.spool_size: int = config.spool_size if buffered else sys.maxsize
        self.sendfile: bool = config.get("sendfile", True)
        self.keeps_alive: bool = config.get("keepalive", 1.0) > 0
        self.writer = HeadWriter(worker.wall_clock, worker.calendar)
        self.template = _template(worker, local)
        self._is_trusted = trusts(config.forwarded_allow_ips)
        self._strict = HeadParser(rules_for(config, trusted=False), self.template)
        self._trusting = self._make_trusting(config)

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
            environ["HTTP_X_REQUEST_ID"] = request.id
        began = now - request.elapsed
        return AccessRecord(environ, 0, [], 0, began, now, reason, request.label)

    def connect(self, peer: object) -> HttpConnection:
        """A connection with that peer."""
        host, port = (peer[0], str(peer[1])) if isinstance(peer, tuple) else ("", "")
        parser = self._trusting if self._is_trusted(host) else self._strict
        return HttpConnection(self, parser, host, port)

    def _make_trusting(self, config: Config) -> HeadParser:
        rules = rules_for(config, trusted=True)
        if not config.client_header:
            return HeadParser(rules, self.template)
        from hookserve_http.forwarded import ForwardedParser

        return ForwardedParser(rules, self.template, config.client_header, self._is_trusted)


def _template(worker: Worker, local: Endpoint) -> dict[str, Any]:  # Any: PEP 3333
    """What is the same in every environ of a listener."""
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
    # A copy has the table of its original, and a table that has grown does not shrink: with room
    # for a request's fields from the start, no environ has to grow.
    spare = {f"spare {number}": None for number in range(_SPARE_ENTRIES)}
    template.update(spare)
    for name in spare:
        del template[name]
    return template
