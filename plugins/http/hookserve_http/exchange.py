"""One request and its response: the one request cycle, whatever the worker model.

The order is fixed: begin, pre_request, the application, its iterable to the end, close(),
post_request, log_access, end.  Each step is there on every path: a client that goes away, an
application that raises, a body that is cut off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import RequestCancelled
from hookserve.types import AccessRecord
from hookserve_http.errors import ApplicationError, BadRequest, BodyCutOff, RequestTimeout
from hookserve_http.file import FileWrapper
from hookserve_http.gone import GoneTransport
from hookserve_http.pages import refusal
from hookserve_http.persistence import wants_to_persist
from hookserve_http.request import RequestView
from hookserve_http.response import is_bodiless

if TYPE_CHECKING:
    from hookserve.protocol.seam import Transport
    from hookserve_http.protocol import HttpProtocol

ExcInfo = tuple[type[BaseException], BaseException, object]

_DISCARD_LIMIT = 65536
_SMALL_FILE = 65536
_JOIN_LIMIT = 32768
"""Up to this many bytes one copy is cheaper than two buffers."""

_VERSION_SIZE = len(" HTTP/1.1")


class Exchange(AccessRecord):
    """One exchange; ``resp`` in the hooks, and its own record in the access log."""

    __slots__ = (
        "_chunked",
        "_gone",
        "_head_sent",
        "_length",
        "_protocol",
        "_start",
        "_transport",
        "input",
        "is_bodiless",
        "is_http11",
        "label",
        "persists",
        "status",
    )

    def __init__(self, protocol: HttpProtocol, environ: dict[str, Any], label: bytes) -> None:
        self._protocol = protocol
        self.environ = environ
        self.label = label
        """The request as it came: its first line is shown while it runs."""
        self.input: Any = None  # Any: one of the kinds of input, none of which the other paths ask
        """The request body when it is received while the application runs."""
        self.is_http11 = environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        if self.is_http11:
            environ["wsgi.early_hints"] = self.early_hints
        method = environ["REQUEST_METHOD"]
        self.is_bodiless = method == "HEAD"
        """Whether the response must have no body (RFC 9112, 6.3)."""
        self.persists = protocol.keeps_alive
        """Whether the connection may stay open afterwards."""
        option = environ.get("HTTP_CONNECTION", "keep-alive")
        if option != "keep-alive" or method == "CONNECT" or not self.is_http11:
            self.persists = self.persists and wants_to_persist(environ)
        self._head_sent = False
        self._chunked = False
        self._length = -1
        self._gone: BaseException | None = None
        self.status = ""
        self.status_code = 0
        self.headers: list[tuple[str, str]] = []
        self.sent = 0
        self.reason = ""
        """Why it did not end as the application meant it to."""

    def __repr__(self) -> str:
        # Its base's is of a record that is whole, and this one may be printed at any moment.
        return f"<Exchange {self.asked[1]!r} {self.status_code} {self.sent} bytes>"

    @property
    def asked(self) -> tuple[str, str]:
        """Method and target as they came; the application may have emptied its environ."""
        method, target, *_ = self.label.partition(b"\r\n")[0].decode("latin-1").split(" ")
        return method, target

    def run(self, transport: Transport) -> None:
        """Run the exchange to its end; then `persists` says what becomes of the connection."""
        protocol = self._protocol
        worker, app, tell_observers = protocol.worker, protocol.app, protocol.tell_observers
        self._transport = transport
        name = self.environ.get("HTTP_X_REQUEST_ID")
        shown = self.label[: self.label.find(b"\r") - _VERSION_SIZE]
        request_slot = worker.begin(shown, name.encode("latin-1") if name else b"")
        try:
            if protocol.pre_request:
                view = RequestView()
                view.environ = self.environ
                for observe in protocol.pre_request:
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
                if tell_observers is not None:
                    tell_observers(self, request_slot.began)
            finally:
                worker.end(request_slot, self.status_code // 100, self.sent)
            # The environ refers to this object: both would wait for the garbage collector.  And a
            # write() that the application has kept must not reach the transport's next client.
            self.environ["wsgi.early_hints"] = None
            del self._transport

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """PEP 3333's; raises ApplicationError for a status or header that cannot be sent."""
        if exc_info is not None:
            try:
                if self._head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])  # type: ignore[arg-type]  # a traceback
            finally:
                exc_info = None
        elif self.status:
            raise ApplicationError("start_response was called twice without exc_info")
        self.status_code, self._start, self._length = self._protocol.writer.encode(status, headers)
        self.status = status
        self.headers = headers
        return self._write

    def early_hints(self, headers: Iterable[tuple[str, str]]) -> None:
        """Send 103 Early Hints (RFC 8297); nothing once the response has begun, or in HTTP/1.0."""
        if self._head_sent or not self.is_http11:
            return
        lines = [self._protocol.writer.line(header) for header in headers]
        self._send(b"HTTP/1.1 103 Early Hints\r\n", *lines, b"\r\n")

    def ask_for_body(self) -> None:
        """Send ``100 Continue`` when the application first reads (RFC 9110, 10.1.1); nothing once
        the response has begun, of which it would become a part."""
        if not self._head_sent:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _send_result(self, result: Iterable[bytes]) -> None:
        """Send what the application returned, and close it."""
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
        """The whole body is known: one head, one length, one send."""
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
                self._lose(error)
                raise
        if size < self._length:
            self._finish()

    def _write(self, data: bytes) -> bool:
        """Send a part of the body, after the head when that is still to go; PEP 3333's write().

        Answers whether there was more of it than the Content-Length says.
        """
        if type(data) is not bytes:
            raise ApplicationError(f"the body is of {type(data).__name__}, not bytes")
        head = b"" if self._head_sent else self._head(-1)
        if self.is_bodiless or not data:
            if head:
                self._send(head)
            return False
        is_too_much = False
        if self._length >= 0:
            left = self._length - self.sent
            if len(data) > left:
                self._complain("the body is longer than its Content-Length; the rest was cut off")
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
        """A file, by sendfile(2) where the transport can, from where it stands."""
        count = wrapper.remaining() if self._protocol.sendfile else None
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
            self._lose(error)
            raise
        else:
            self.sent += sent

    def _send_chunks(self, wrapper: FileWrapper) -> None:
        """A file that is read, as far as it is wanted: there may be no end to it."""
        for chunk in wrapper:
            if self._write(chunk) or self.is_bodiless:
                return

    def _head(self, size: int) -> bytes:
        """The head's bytes, with the framing decided; `size` of the body, -1 when not known."""
        if not self.status:
            raise ApplicationError("there is a body, and start_response was never called")
        framing = self._frame(size) if self._length < 0 else b""
        if self.persists:
            unasked = self.input is not None and not self.input.was_asked_for
            keeps = self._protocol.worker.keeps_connections and not unasked
            self.persists = keeps and self._transport.may_persist()
        if not self.persists:
            if self.label.startswith(b"CONNECT ") and 200 <= self.status_code < 300:
                framing = self._decline_tunnel()
            end = b"Connection: close\r\n\r\n"
        elif self.is_http11:
            end = b"\r\n"
        else:
            end = b"Connection: keep-alive\r\n\r\n"
        self._head_sent = True
        return b"".join((self._start, self._protocol.writer.date(), framing, end))

    def _frame(self, size: int) -> bytes:
        """The header line that says where the body ends (RFC 9112, 6.3)."""
        if is_bodiless(self.status_code):
            self.is_bodiless = True
            # RFC 9112, 6.3: to the framing a 205 is no exception, unlike 204 and 304.
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
        """The framing of a granted CONNECT: none, and no content.

        RFC 9110, 9.3.6: what follows is the tunnel's, and here there is none.
        """
        self._complain("the application granted a CONNECT, and there is no tunnel")
        headers = [each for each in self.headers if each[0].lower() != "content-length"]
        self._start = self._protocol.writer.encode(self.status, headers)[1]
        self.is_bodiless, self._chunked, self._length = True, False, -1
        return b""

    def _finish(self) -> None:
        """The application's iterable has ended."""
        if not self._head_sent:
            if not self.status:
                raise ApplicationError("start_response was never called")
            self._send(self._head(-1 if self.is_bodiless else 0))
        elif self._chunked:
            self._send(b"0\r\n\r\n")
        if self.sent < self._length and not self.is_bodiless:
            # RFC 9112, 6.3: only the end of the connection tells the client that it is cut off.
            self._complain(
                f"the body is {self._length - self.sent} bytes short of its Content-Length"
            )
            self.persists = False

    def _send(self, *buffers: bytes) -> None:
        try:
            self._transport.send(*buffers)
        except OSError as error:
            self._lose(error)
            raise

    def _lose(self, error: OSError) -> None:
        """The client is gone, also when the application swallows the error that says so."""
        self._gone = error
        self.persists = False
        self.reason = self.reason or f"the client is gone: {error}"
        self._transport = GoneTransport(error)

    def _complain(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            self._protocol.worker.log.warning("%s: %s", self.asked[1], reason)

    def _fail(self, error: BaseException) -> None:
        """The exchange cannot go on: answer what can still be answered."""
        self.persists = False
        if error is self._gone:
            return
        if isinstance(error, BodyCutOff):
            self.reason = self.reason or f"the client is gone: {error}"
            return
        if self.input is not None and error is self.input.timed_out:
            error = RequestTimeout("the request body was too slow")
        log = self._protocol.worker.log
        method, target = self.asked
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
            self._answer(code)

    def _answer(self, code: int) -> None:
        """Send the server's own page instead of the application's response."""
        page = refusal(code, self._protocol.writer, self.is_bodiless)
        self.status_code, self.status, self._head_sent = code, page.status, True
        self.headers = page.headers
        try:
            self._transport.send(page.head, page.body)
            self.sent = len(page.body)
        except BaseException:  # the client may be gone, the application's timers may still run
            pass

    def settle(self) -> bytes | None:
        """What the client sent after this request; `None` when its connection cannot go on."""
        if self.input is None:
            return b""
        if not self.persists:
            return None
        try:
            is_complete = self.input.is_complete or (
                self.input.was_asked_for and self.input.discard(_DISCARD_LIMIT)
            )
        except BaseException:  # the model gives the request up, or a timer was left behind
            return None
        return self.input.rest if is_complete else None
