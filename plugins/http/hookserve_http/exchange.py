"""One request of WSGI and its response: the one request cycle, whatever the worker model.

The order is fixed: begin, pre_request, the application, its iterable to the end, close(),
post_request, log_access, end.  Every path has each step: after a disconnect, after an exception of
the application, after a request body that is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hookserve.protocol.seam import RequestCancelled
from hookserve_http.errors import ApplicationError, BadRequest, BodyCutOff, RequestTimeout
from hookserve_http.file_wrapper import FileWrapper
from hookserve_http.outgoing import OutgoingResponse
from hookserve_http.request import RequestView
from hookserve_http.takeover import NAME, TakenTransport

if TYPE_CHECKING:
    import socket

    from hookserve.protocol.seam import Transport

ExcInfo = tuple[type[BaseException], BaseException, object]

_SMALL_FILE = 65536


class Exchange(OutgoingResponse):
    """One exchange of WSGI."""

    __slots__ = ()

    NOT_BEGUN = "start_response was never called"

    def run(self, transport: Transport) -> None:
        """Run the exchange to its end; then `persists` tells whether the connection stays open."""
        endpoint = self.endpoint
        worker, app, notify_observers = endpoint.worker, endpoint.app, endpoint.notify_observers
        self.transport = transport
        environ = self.environ
        if self.is_http11:
            environ["wsgi.early_hints"] = self.early_hints
        key = endpoint.id_key
        name = environ[key].encode("latin-1") if key in environ else b""
        request_slot = worker.begin(self.head, name)
        try:
            if endpoint.pre_request:
                view = self.view = RequestView()
                view.environ = environ
                for observe in endpoint.pre_request:
                    observe(worker, view, environ)
            result = app(environ, self.start_response)
            if type(result) is list and len(result) == 1:
                self.send_whole(result[0])
            else:
                self._send_result(result)
        except BaseException as error:  # the application may raise anything, and so may its timers
            self.fail(error)
        finally:
            try:
                if notify_observers is not None:
                    notify_observers(self, request_slot.began)
            except BaseException as error:  # hooks contain their exceptions, but not timers
                self.persists = False
                target = self.method_and_target[1]
                worker.log.warning("%s: a hook was interrupted: %r", target, error)
            finally:
                worker.end(request_slot, self.status_code // 100, self.sent)
            # Break the cycle between environ and exchange: no work for the garbage collector.  And
            # a write() that the application kept must not reach the transport's next client.
            environ["wsgi.early_hints"] = None
            del self.transport

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """`start_response` of PEP 3333; raises ApplicationError for an invalid status or header."""
        if exc_info is not None:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])  # type: ignore[arg-type]  # a traceback
            finally:
                exc_info = None
        elif self.status:
            raise ApplicationError("start_response was called twice without exc_info")
        self.status_code, self.head_lines, self.content_length, self.own_lines = (
            self.endpoint.writer.encode(status, headers)
        )
        self.status = status
        self.headers = headers
        return self.write_body

    def take_over(self, on_leave: Callable[[], object] | None = None) -> socket.socket:
        """``hookserve.take_over`` of the environ: the client's connection, as a blocking socket.

        It has what has arrived behind the request; under TLS it encrypts.  The server sends nothing
        more.  The connection ends when the application has returned, or raised StopIteration, and
        its socket is closed or `linger_timeout` has passed.
        `on_leave` is called, in another thread or greenlet, when the worker is about to stop.

        Raises RuntimeError when the response has begun, the body has not been read or the request
        is over, and OSError when there is no descriptor.
        """
        transport = getattr(self, "transport", None)
        if transport is None or self.head_sent:
            raise RuntimeError("the connection cannot be taken over: the response has begun")
        received, body = b"", self.input
        if body is not None:
            body.take_arrived()
            if not body.decoder.is_done:
                raise RuntimeError("the connection cannot be taken over before the body is read")
            received, body.rest = body.rest, b""
        taken: socket.socket = transport.take_over(received, on_leave)
        self.environ.pop(NAME, None)  # no cycle: a socket that is dropped is closed
        self.status_code = 200 if self.environ["REQUEST_METHOD"] == "CONNECT" else 101
        self.persists, self.head_sent, self.transport = False, True, TakenTransport()
        return taken

    def early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send 103 Early Hints (RFC 8297); nothing after the response head, or in HTTP/1.0."""
        if self.head_sent or not self.is_http11:
            return
        lines = [self.endpoint.writer.line(header) for header in headers]
        self.send_bytes(b"HTTP/1.1 103 Early Hints\r\n", *lines, b"\r\n")

    def send_continue(self) -> None:
        """Send ``100 Continue`` at the application's first read (RFC 9110, 10.1.1).

        Send nothing after the response head: it would be taken for a part of the body.
        """
        if not self.head_sent:
            self.send_bytes(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send_result(self, result: Iterable[bytes]) -> None:
        """Send the iterable that the application returned, and close it."""
        kind = type(result)
        if kind is list or kind is tuple:
            self.send_whole(b"".join(result))
            return
        try:
            if kind is FileWrapper:
                self._send_file(result)  # type: ignore[arg-type]  # just tested
            else:
                for chunk in result:
                    if (chunk or type(chunk) is not bytes) and self.write_body(chunk):
                        break
            self.end_body()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _send_file(self, wrapper: FileWrapper) -> None:
        """Send a file from its current position, with sendfile(2) if the transport can."""
        count = wrapper.remaining() if self.endpoint.sendfile else None
        if count is None or self.head_sent:
            self._send_chunks(wrapper)
            return
        if 0 <= self.content_length < count:
            count = self.content_length
        if count <= _SMALL_FILE:
            self.send_whole(wrapper.read(count))
            return
        self.send_bytes(self.make_head(count))
        if self.is_bodiless:
            return
        try:
            sent = self.transport.send_file(wrapper.fileno(), wrapper.tell(), count)
        except NotImplementedError:
            self._send_chunks(wrapper)
        except OSError as error:
            self.on_disconnect(error)
            raise
        else:
            self.sent += sent

    def _send_chunks(self, wrapper: FileWrapper) -> None:
        """Read and send a file, no further than its Content-Length: it may have no end."""
        for chunk in wrapper:
            if self.write_body(chunk) or self.is_bodiless:
                return

    def fail(self, error: BaseException) -> None:
        """End the exchange after an exception: with an error page, if the head is not sent yet."""
        self.persists = False
        self.endpoint.worker.end_if_forked(error)
        is_taken = type(getattr(self, "transport", None)) is TakenTransport
        if error is self.disconnect_error or (is_taken and isinstance(error, StopIteration)):
            return
        if is_taken and isinstance(error, ConnectionError):
            error = BodyCutOff(str(error))
        if isinstance(error, BodyCutOff):
            self.reason = self.reason or f"the client disconnected: {error}"
            return
        if self.input is not None and error is self.input.timed_out:
            error = RequestTimeout("the request body was too slow")
        log = self.endpoint.worker.log
        method, target = self.method_and_target
        code = 500
        if isinstance(error, BadRequest):
            code = error.status
            self.reason = str(error)
        elif isinstance(error, RequestCancelled):
            code = 503
            self.reason = str(error)
            log.warning("%s %s: %s", method, target, error)
        else:
            self.reason = f"the application failed: {type(error).__name__}"
            log.error("error handling %s %s", method, target, exc_info=error)
        if not self.head_sent:
            self.send_error_page(code)
