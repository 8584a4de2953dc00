"""What a worker does around each request, for requests that tornado runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.wsgi import WSGIContainer

from hookserve.types import AccessRecord

if TYPE_CHECKING:
    from hookserve_tornado.worker import TornadoWorker


class Observation:
    """One request in flight: begun when made, over with `end`."""

    def __init__(
        self,
        worker: TornadoWorker,
        connection: HTTPConnection,
        start: RequestStartLine,
        headers: HTTPHeaders,
    ) -> None:
        self._worker = worker
        self._environ: dict[str, Any] = {}  # Any: PEP 3333
        label = f"{start.method} {start.path}"
        name = headers.get("X-Request-ID", "")
        self._request_slot = worker.begin(label.encode(), name.encode())
        if worker.pre_request or worker.post_request or worker.log_access:
            self._request = HTTPServerRequest(
                connection=connection, start_line=start, headers=headers
            )
            self._environ = _environ_of(self._request)
            self._view = _RequestView(self._request)
        for observe in worker.pre_request:
            observe(worker, self._view, self._environ)

    def end(self, status: int, headers: list[tuple[str, str]], reason: str) -> None:
        """The response is written, or the client has gone."""
        worker = self._worker
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        sent = int(lengths[0]) if lengths and lengths[0].isdigit() else 0
        for observe in worker.post_request:
            observe(worker, self._view, self._environ, _ResponseView(status, headers, sent))
        if worker.log_access:
            record = AccessRecord(
                self._environ,
                status,
                headers,
                sent,
                self._request_slot.began,
                worker.clock(),
                reason,
            )
            for log in worker.log_access:
                log(record)
        worker.end(self._request_slot, status // 100, sent)
        worker.idle()


def _environ_of(request: HTTPServerRequest) -> dict[str, Any]:  # Any: PEP 3333
    """The environ that the request would have as a WSGI one."""
    environ = WSGIContainer(_no_application).environ(request)
    environ["RAW_URI"] = request.uri or ""
    return environ


def _no_application(*_: object) -> list[bytes]:
    return []


class _RequestView:
    """``req`` in the hooks."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._request = request
        self.method = request.method or ""
        self.uri = request.uri or ""
        self.path = request.path
        self.query = request.query
        self.version = (1, 0) if request.version == "HTTP/1.0" else (1, 1)

    @property
    def headers(self) -> list[tuple[str, str]]:
        return [(name.upper(), value) for name, value in self._request.headers.get_all()]


class _ResponseView:
    """``resp`` in the hooks."""

    def __init__(self, status: int, headers: list[tuple[str, str]], sent: int) -> None:
        self.status = str(status) if status else ""
        self.status_code = status
        self.headers = headers
        self.sent = sent
