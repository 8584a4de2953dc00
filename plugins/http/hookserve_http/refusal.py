"""A request that gets an error page without the application."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from hookserve.requests import REQUEST_ID
from hookserve.types import AccessRecord
from hookserve_http.error_page import ErrorPage, error_page

if TYPE_CHECKING:
    from hookserve.protocol.seam import Transport
    from hookserve_http.endpoint import Endpoint
    from hookserve_http.errors import BadRequest

_LINE_LIMIT = 4096


class RefusedRequest(NamedTuple):
    """Why it is refused, and what is known of it."""

    error: BadRequest
    environ: dict[str, Any]  # Any: PEP 3333
    head: bytes

    def send(self, transport: Transport, endpoint: Endpoint, address: str) -> None:
        """Send the error page and log the request; raises nothing for what the client does."""
        worker, error = endpoint.worker, self.error
        # The method may not have been parsed.
        is_bodiless = self.head[:5].upper() == b"HEAD "
        page = error_page(error.status, endpoint.writer, is_bodiless, error.fields)
        line = self.head.partition(b"\r\n")[0][:_LINE_LIMIT]
        began, request_slot = worker.notify(), None
        if error.is_counted:
            name = self.environ.get(REQUEST_ID, "").encode("ascii")
            request_slot = worker.begin(line, name)
        sent = 0
        try:
            transport.send(page.head, page.body)
            sent = len(page.body)
        except BaseException:  # a disconnect, or a timer of an earlier request
            pass
        worker.log.debug("refused a request from %s: %s", address, error)
        try:
            self._log(endpoint, began, page, line, sent)
        finally:
            if request_slot is not None:
                worker.end(request_slot, error.status // 100, sent)
            worker.has_worked = True  # what is logged is written when the worker is idle

    def _log(
        self,
        endpoint: Endpoint,
        began: float,
        page: ErrorPage,
        line: bytes,
        sent: int,
    ) -> None:
        if not endpoint.log_access:
            return
        record = AccessRecord(
            self.environ,
            int(self.error.status),
            page.headers,
            sent,
            began,
            endpoint.worker.clock(),
            str(self.error),
            line.decode("latin-1"),
        )
        for log in endpoint.log_access:
            log(record)
