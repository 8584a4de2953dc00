"""One request and its response: the one request cycle, whatever the worker model.

The order is fixed: begin, pre_request, the application, its iterable to the end, close(),
post_request, log_access, end.  Every path has each step: after a disconnect, after an exception of
the application, after a request body that is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import RequestCancelled
from hookserve.types import AccessRecord
from hookserve_http.disconnected import DisconnectedTransport
from hookserve_http.error_page import error_page
from hookserve_http.errors import ApplicationError, BadRequest, BodyCutOff, RequestTimeout
from hookserve_http.file_wrapper import FileWrapper
from hookserve_http.persistence import wants_to_persist
from hookserve_http.request import RequestView
from hookserve_http.response import is_bodiless

if TYPE_CHECKING:
    from hookserve.protocol.seam import Transport
    from hookserve_http.endpoint import Endpoint

ExcInfo = tuple[type[BaseException], BaseException, object]

_SMALL_FILE = 65536
_JOIN_LIMIT = 32768
"""Up to this size, in bytes, one copy is cheaper than two buffers."""


class Exchange(AccessRecord):
    """One exchange; ``resp`` in the hooks, and its own record in the access log."""

    __slots__ = (
        "_chunked",
        "_disconnect_error",
        "_endpoint",
        "_head_sent",
        "_length",
        "_own",
        "_start",
        "_transport",
        "head",
        "input",
        "is_bodiless",
        "is_http11",
        "persists",
        "status",
        "view",
    )

    def __init__(self, endpoint: Endpoint, environ: dict[str, Any], head: bytes) -> None:
        self._endpoint = endpoint
        self.environ = environ
        self.head = head
        """The request head as it arrived, and maybe bytes after it."""
        self.input: Any = None  # Any: a StreamInput; hot paths test only for None
        """The request body, if it is received while the application runs."""
        self.is_http11 = environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        if self.is_http11:
            environ["wsgi.early_hints"] = self.early_hints
        method = environ["REQUEST_METHOD"]
        self.is_bodiless = method == "HEAD"
        """Whether the response must have no body (RFC 9112, 6.3)."""
        self.persists = endpoint.keeps_alive
        """Whether the connection may stay open afterwards."""
        option = environ.get("HTTP_CONNECTION", "keep-alive")
        if option != "keep-alive" or method == "CONNECT" or not self.is_http11:
            self.persists = self.persists and wants_to_persist(environ)
        self._head_sent = False
        self._chunked = False
        self._length = -1
        self._disconnect_error: BaseException | None = None
        self.status = ""
        self.status_code = 0
        self.headers: list[tuple[str, str]] = []
        self.sent = 0
        self.reason = ""
        """Why the response differs from the application's; empty if it does not."""

    def __repr__(self) -> str:
        # The base class prints a complete record; an exchange may be printed at any time.
        return f"<Exchange {self.method_and_target[1]!r} {self.status_code} {self.sent} bytes>"

    @property
    def method_and_target(self) -> tuple[str, str]:
        """Method and target as they arrived: the application may change its environ."""
        method, target, *_ = self.head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        return method, target

    @property
    def is_chunked(self) -> bool:
        """Whether the body goes out with ``Transfer-Encoding: chunked``."""
        return self._chunked

    def run(self, transport: Transport) -> None:
        """Run the exchange to its end; then `persists` tells whether the connection stays open."""
        endpoint = self._endpoint
        worker, app, notify_observers = endpoint.worker, endpoint.app, endpoint.notify_observers
        self._transport = transport
        name = self.environ.get("HTTP_X_REQUEST_ID")
        request_slot = worker.begin(self.head, name.encode("latin-1") if name else b"")
        try:
            if endpoint.pre_request:
                view = self.view = RequestView()
                view.environ = self.environ
                for observe in endpoint.pre_request:
                    observe(worker, view, self.environ)
            result = app(self.environ, self.start_response)
            if type(result) is list and len(result) == 1:
                self._send_whole(result[0])
            else:
                self._send_result(result)
        except BaseException as error:  # the application may raise anything, and so may its timers
            self._fail(error)
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
            self.environ["wsgi.early_hints"] = None
            del self._transport

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """`start_response` of PEP 3333; raises ApplicationError for an invalid status or header."""
        if exc_info is not None:
            try:
                if self._head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])  # type: ignore[arg-type]  # a traceback
            finally:
                exc_info = None
        elif self.status:
            raise ApplicationError("start_response was called twice without exc_info")
        self.status_code, self._start, self._length, self._own = self._endpoint.writer.encode(
            status, headers
        )
        self.status = status
        self.headers = headers
        return self._write

    def early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send 103 Early Hints (RFC 8297); nothing after the response head, or in HTTP/1.0."""
        if self._head_sent or not self.is_http11:
            return
        lines = [self._endpoint.writer.line(header) for header in headers]
        self._send(b"HTTP/1.1 103 Early Hints\r\n", *lines, b"\r\n")

    def send_continue(self) -> None:
        """Send ``100 Continue`` at the application's first read (RFC 9110, 10.1.1).

        Send nothing after the response head: it would be taken for a part of the body.
        """
        if not self._head_sent:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send_result(self, result: Iterable[bytes]) -> None:
        """Send the iterable that the application returned, and close it."""
        kind = type(result)
        if kind is list or kind is tuple:
            self._send_whole(b"".join(result))
            return
        try:
            if kind is FileWrapper:
                self._send_file(result)  # type: ignore[arg-type]  # just tested
            else:
                for chunk in result:
                    if (chunk or type(chunk) is not bytes) and self._write(chunk):
                        break
            self._finish()
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()

    def _send_whole(self, data: bytes) -> None:
        """Send a body that is known as a whole: one head, one length, one send."""
        size = len(data)
        if self._head_sent or not size or 0 <= self._length < size or type(data) is not bytes:
            if size or type(data) is not bytes:
                self._write(data)
            self._finish()
            return
        head = self._head(size)
        if self.is_bodiless:
            self._send(head)
            return
        self.sent = size
        if size > _JOIN_LIMIT:
            self._send(head, data)
        else:
            try:
                self._transport.send(head + data)
            except OSError as error:
                self._on_disconnect(error)
                raise
        if size < self._length:
            self._finish()

    def _write(self, data: bytes) -> bool:
        """Send a part of the body, and before it the head, if not sent yet; write() of PEP 3333.

        Returns whether the body is longer than its Content-Length.
        """
        if type(data) is not bytes:
            raise ApplicationError(f"the body has {type(data).__name__}, not bytes")
        head = b"" if self._head_sent else self._head(-1)
        if self.is_bodiless or not data:
            if head:
                self._send(head)
            return False
        is_too_much = False
        if self._length >= 0:
            left = self._length - self.sent
            if len(data) > left:
                self._warn("the body is longer than its Content-Length; the rest was cut off")
                data = data[:left]
                is_too_much = True
        self.sent += len(data)
        if self._chunked:
            self._send(head, b"%x\r\n" % len(data), data, b"\r\n")
        elif head:
            self._send(head, data)
        elif data:
            self._send(data)
        return is_too_much

    def _send_file(self, wrapper: FileWrapper) -> None:
        """Send a file from its current position, with sendfile(2) if the transport can."""
        count = wrapper.remaining() if self._endpoint.sendfile else None
        if count is None or self._head_sent:
            self._send_chunks(wrapper)
            return
        if 0 <= self._length < count:
            count = self._length
        if count <= _SMALL_FILE:
            self._send_whole(wrapper.read(count))
            return
        self._send(self._head(count))
        if self.is_bodiless:
            return
        try:
            sent = self._transport.send_file(wrapper.fileno(), wrapper.tell(), count)
        except NotImplementedError:
            self._send_chunks(wrapper)
        except OSError as error:
            self._on_disconnect(error)
            raise
        else:
            self.sent += sent

    def _send_chunks(self, wrapper: FileWrapper) -> None:
        """Read and send a file, no further than its Content-Length: it may have no end."""
        for chunk in wrapper:
            if self._write(chunk) or self.is_bodiless:
                return

    def _head(self, size: int) -> bytes:
        """Decide the framing and return the head; `size` of the body in bytes, -1 if unknown."""
        if not self.status:
            raise ApplicationError("a body without a call of start_response")
        framing = self._frame(size) if self._length < 0 else b""
        if self.persists:
            body = self.input
            keeps = self._endpoint.worker.keeps_connections and (body is None or body.can_drain())
            self.persists = keeps and self._transport.may_persist()
        if not self.persists:
            if self.head.startswith(b"CONNECT ") and 200 <= self.status_code < 300:
                framing = self._decline_tunnel()
            end = b"Connection: close\r\n\r\n"
        elif self.is_http11:
            end = b"\r\n"
        else:
            end = b"Connection: keep-alive\r\n\r\n"
        self._head_sent = True
        return b"".join((self._start, self._endpoint.writer.date(self._own), framing, end))

    def _frame(self, size: int) -> bytes:
        """The header line that frames the body (RFC 9112, 6.3)."""
        if is_bodiless(self.status_code):
            self.is_bodiless = True
            # RFC 9112, 6.3: 204 and 304 are exceptions in the framing, 205 is not.
            return b"Content-Length: 0\r\n" if self.status_code == 205 else b""
        if size >= 0:
            self._length = size
            return b"Content-Length: %d\r\n" % size
        if self.is_http11 and not self.is_bodiless:
            self._chunked = True
            return b"Transfer-Encoding: chunked\r\n"
        if not self.is_bodiless:
            # In HTTP/1.0 the end of the connection is the end of the body.
            self.persists = False
        return b""

    def _decline_tunnel(self) -> bytes:
        """Frame the response to a CONNECT that the application accepted: no body, no length.

        RFC 9110, 9.3.6: bytes after the head belong to the tunnel, which is not supported.
        """
        self._warn("the application accepted a CONNECT, and tunnels are not supported")
        headers = [each for each in self.headers if each[0].lower() != "content-length"]
        self._start = self._endpoint.writer.encode(self.status, headers)[1]
        self.is_bodiless, self._chunked, self._length = True, False, -1
        return b""

    def _finish(self) -> None:
        """End the response: the application's iterable has ended."""
        if not self._head_sent:
            if not self.status:
                raise ApplicationError("start_response was never called")
            self._send(self._head(-1 if self.is_bodiless else 0))
        elif self._chunked:
            self._send(b"0\r\n\r\n")
        if self.sent < self._length and not self.is_bodiless:
            # RFC 9112, 6.3: only the end of the connection shows the client that it is cut off.
            self._warn(f"the body is {self._length - self.sent} bytes short of its Content-Length")
            self.persists = False

    def _send(self, *buffers: bytes) -> None:
        try:
            self._transport.send(*buffers)
        except OSError as error:
            self._on_disconnect(error)
            raise

    def _on_disconnect(self, error: OSError) -> None:
        """Note the disconnect: the application may swallow the error."""
        self._disconnect_error = error
        self.persists = False
        self.reason = self.reason or f"the client disconnected: {error}"
        self._transport = DisconnectedTransport(error)

    def _warn(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            self._endpoint.worker.log.warning("%s: %s", self.method_and_target[1], reason)

    def _fail(self, error: BaseException) -> None:
        """End the exchange after an exception: with an error page, if the head is not sent yet."""
        self.persists = False
        self._endpoint.worker.end_if_forked(error)
        if error is self._disconnect_error:
            return
        if isinstance(error, BodyCutOff):
            self.reason = self.reason or f"the client disconnected: {error}"
            return
        if self.input is not None and error is self.input.timed_out:
            error = RequestTimeout("the request body was too slow")
        log = self._endpoint.worker.log
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
        if not self._head_sent:
            self._send_error_page(code)

    def _send_error_page(self, code: int) -> None:
        """Send an error page instead of the application's response."""
        page = error_page(code, self._endpoint.writer, self.is_bodiless)
        self.status_code, self.status, self._head_sent = code, page.status, True
        self.headers = page.headers
        try:
            self._transport.send(page.head, page.body)
            self.sent = len(page.body)
        except BaseException:  # a disconnect, or a timer of the application that still runs
            pass
