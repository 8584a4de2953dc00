"""A response as it goes out: its framing, and whether the connection stays open after it.

What an interface gives (`hookserve_http.exchange` for WSGI) ends here as a status, header pairs and
pieces of a body.  RFC 9112, 6 and 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from hookserve.types import AccessRecord
from hookserve_http.disconnected import DisconnectedTransport
from hookserve_http.error_page import error_page
from hookserve_http.errors import ApplicationError
from hookserve_http.persistence import wants_to_persist
from hookserve_http.response import is_bodiless

if TYPE_CHECKING:
    from hookserve.protocol.seam import Transport
    from hookserve_http.endpoint import Endpoint
    from hookserve_http.response import Header

_JOIN_LIMIT = 32768
"""Up to this size, in bytes, one copy is cheaper than two buffers."""


class OutgoingResponse(AccessRecord):
    """The response to one request; ``resp`` in the hooks, and its own record in the access log."""

    __slots__ = (
        "content_length",
        "disconnect_error",
        "endpoint",
        "head",
        "head_lines",
        "head_sent",
        "input",
        "is_bodiless",
        "is_chunked",
        "is_http11",
        "own_lines",
        "persists",
        "status",
        "transport",
        "view",
    )

    endpoint: Endpoint
    """What all connections of its listener share."""
    head: bytes
    """The request head as it arrived, and maybe bytes after it."""
    input: Any  # Any: a StreamInput or its like; hot paths test only for None
    """The request body, if it is received while the application runs."""
    head_sent: bool
    """Whether the head of the response was sent."""
    is_chunked: bool
    """Whether the body goes out with ``Transfer-Encoding: chunked``."""
    content_length: int
    """Bytes of the body that the head declares; -1: it declares none."""
    disconnect_error: BaseException | None
    """Why nothing can be sent any more; `None`: the client is there."""
    status: str
    """Code and phrase; empty until they are set."""

    # Set when there is something to set them to.
    own_lines: int
    """Which of the server's lines are the application's: see `HeadWriter.date`."""
    head_lines: bytes
    """The application's part of the head."""
    transport: Transport
    """Where the response goes."""
    is_http11: bool
    """Whether the request is of HTTP/1.1."""
    is_bodiless: bool
    """Whether the response must have no body (RFC 9112, 6.3)."""
    persists: bool
    """Whether the connection may stay open afterwards."""

    NOT_BEGUN: ClassVar[str]
    """What an application has done that sends a body, or ends, and has begun no response."""

    def __init__(
        self,
        endpoint: Endpoint,
        environ: dict[str, Any],
        head: bytes,
        traits: tuple[bool, bool, bool] | None = None,
    ) -> None:
        """`traits` are those of a head that is repeated (`hookserve_http.repeated`), whose environ
        is made when it is asked for."""
        self.endpoint = endpoint
        self.head = head
        self.input = None
        if traits is not None:
            self.is_http11, self.is_bodiless, self.persists = traits
        else:
            self.environ = environ
            self.is_http11 = environ["SERVER_PROTOCOL"] != "HTTP/1.0"
            method = environ["REQUEST_METHOD"]
            self.is_bodiless = method == "HEAD"
            self.persists = endpoint.keeps_alive
            option = environ.get("HTTP_CONNECTION", "keep-alive")
            if option != "keep-alive" or method == "CONNECT" or not self.is_http11:
                self._look_for_persistence(method, option)
        self.head_sent = False
        self.is_chunked = False
        self.content_length = -1
        self.disconnect_error = None
        self.status = ""
        self.status_code = 0
        self.headers: list[tuple[str, str]] = []
        self.sent = 0
        self.reason = ""
        """Why the response differs from the application's; empty if it does not."""

    def _look_for_persistence(self, method: str, option: str) -> None:
        """The request says something of its connection's end, or is to take it over."""
        if option == "close" and method != "CONNECT":
            self.persists = False
            return
        endpoint = self.endpoint
        self.persists = self.persists and wants_to_persist(self.environ)
        if endpoint.offer_takeover is not None:
            endpoint.offer_takeover(self)

    def __repr__(self) -> str:
        # The base class prints a complete record; an exchange may be printed at any time.
        name = type(self).__name__
        return f"<{name} {self.method_and_target[1]!r} {self.status_code} {self.sent} bytes>"

    @property
    def method_and_target(self) -> tuple[str, str]:
        """Method and target as they arrived: the application may change its environ."""
        method, target, *_ = self.head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        return method, target

    def id_fields(self, headers: list[Header]) -> list[Header]:
        """The header field of a response with the request's id, unless `headers` have it."""
        return []

    def complete_record(self) -> None:
        """Have `status` and `headers` as hooks and logs read them."""

    def send_whole(self, data: bytes) -> None:
        """Send a body that is known as a whole: one head, one length, one send."""
        size = len(data)
        if self.head_sent or not size or 0 <= self.content_length < size or type(data) is not bytes:
            if size or type(data) is not bytes:
                self.write_body(data)
            self.end_body()
            return
        head = self.make_head(size)
        if self.is_bodiless:
            self.send_bytes(head)
            return
        self.sent = size
        if size > _JOIN_LIMIT:
            self.send_bytes(head, data)
        else:
            try:
                if self.endpoint.suspends and self.is_last(size):
                    self.transport.send_last(head + data)
                else:
                    self.transport.send(head + data)
            except OSError as error:
                self.on_disconnect(error)
                raise
        if size < self.content_length:
            self.end_body()

    def is_last(self, size: int) -> bool:
        """Whether a whole body of that many bytes is the last thing that is done for the request,
        and its connection stays open."""
        return False

    def write_body(self, data: bytes) -> bool:
        """Send a part of the body, and before it the head, if not sent yet; write() of PEP 3333.

        Returns whether the body is longer than its Content-Length.
        """
        if type(data) is not bytes:
            raise ApplicationError(f"the body has {type(data).__name__}, not bytes")
        head = b"" if self.head_sent else self.make_head(-1)
        if self.is_bodiless or not data:
            if head:
                self.send_bytes(head)
            return False
        is_too_much = False
        if self.content_length >= 0:
            left = self.content_length - self.sent
            if len(data) > left:
                self.warn("the body is longer than its Content-Length; the rest was cut off")
                data = data[:left]
                is_too_much = True
        self.sent += len(data)
        if self.is_chunked:
            self.send_bytes(head, b"%x\r\n" % len(data), data, b"\r\n")
        elif head:
            self.send_bytes(head, data)
        elif data:
            self.send_bytes(data)
        return is_too_much

    def make_head(self, size: int) -> bytes:
        """Decide the framing and return the head; `size` of the body in bytes, -1 if unknown."""
        if not self.status_code:
            raise ApplicationError(self.NOT_BEGUN)
        endpoint = self.endpoint
        framing = self._frame(size) if self.content_length < 0 else b""
        if self.persists:
            body = self.input
            if body is not None:
                body.take_arrived()
                self.persists = body.can_drain()
            if not (endpoint.worker.keeps_connections and self.transport.may_persist()):
                self.persists = False
        if not self.persists:
            if self.head.startswith(b"CONNECT ") and 200 <= self.status_code < 300:
                framing = self._decline_tunnel()
            end = b"Connection: close\r\n\r\n"
        elif self.is_http11:
            end = b"\r\n"
        else:
            end = b"Connection: keep-alive\r\n\r\n"
        self.head_sent = True
        return self.head_lines + endpoint.writer.date(self.own_lines) + framing + end

    def _frame(self, size: int) -> bytes:
        """The header line that frames the body (RFC 9112, 6.3)."""
        if is_bodiless(self.status_code):
            self.is_bodiless = True
            # RFC 9112, 6.3: 204 and 304 are exceptions in the framing, 205 is not.
            return b"Content-Length: 0\r\n" if self.status_code == 205 else b""
        if size >= 0:
            self.content_length = size
            return b"Content-Length: %d\r\n" % size
        if self.is_http11 and not self.is_bodiless:
            self.is_chunked = True
            return b"Transfer-Encoding: chunked\r\n"
        if not self.is_bodiless:
            # In HTTP/1.0 the end of the connection is the end of the body.
            self.persists = False
        return b""

    def _decline_tunnel(self) -> bytes:
        """Frame the response to a CONNECT that the application accepted: no body, no length.

        RFC 9110, 9.3.6: bytes after the head belong to the tunnel, which is not supported.
        """
        self.warn("the application accepted a CONNECT, and tunnels are not supported")
        self.complete_record()
        headers = [each for each in self.headers if each[0].lower() != "content-length"]
        self.head_lines = self.endpoint.writer.encode(self.status, headers)[1]
        self.is_bodiless, self.is_chunked, self.content_length = True, False, -1
        return b""

    def end_body(self) -> None:
        """End the response: the application's iterable has ended."""
        if not self.head_sent:
            if not self.status_code:
                raise ApplicationError(self.NOT_BEGUN)
            self.send_bytes(self.make_head(-1 if self.is_bodiless else 0))
        elif self.is_chunked:
            self.send_bytes(b"0\r\n\r\n")
        if self.sent < self.content_length and not self.is_bodiless:
            # RFC 9112, 6.3: only the end of the connection shows the client that it is cut off.
            self.warn(
                f"the body is {self.content_length - self.sent} bytes short of its Content-Length"
            )
            self.persists = False

    def send_bytes(self, *buffers: bytes) -> None:
        """Send bytes as they are; raises OSError when the client is gone."""
        try:
            self.transport.send(*buffers)
        except OSError as error:
            self.on_disconnect(error)
            raise

    def on_disconnect(self, error: OSError) -> None:
        """Note the disconnect: the application may swallow the error."""
        self.disconnect_error = error
        self.persists = False
        self.reason = self.reason or f"the client disconnected: {error}"
        self.transport = DisconnectedTransport(error)

    def warn(self, reason: str) -> None:
        """Note why the response differs from the application's, and log it, once."""
        if not self.reason:
            self.reason = reason
            self.endpoint.worker.log.warning("%s: %s", self.method_and_target[1], reason)

    def send_error_page(self, code: int) -> None:
        """Send an error page instead of the application's response."""
        fields = self.id_fields([])
        page = error_page(code, self.endpoint.writer, self.is_bodiless, fields)
        self.status_code, self.status, self.head_sent = code, page.status, True
        self.headers = page.headers
        try:
            self.transport.send(page.head, page.body)
            self.sent = len(page.body)
        except BaseException:  # a disconnect, or a timer of the application that still runs
            pass
