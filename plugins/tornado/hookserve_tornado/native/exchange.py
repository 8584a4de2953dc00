"""One request of tornado's and its response: what it calls an `HTTPConnection`.

The cycle around it is that of each exchange that is suspended (`hookserve_http.suspendable`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve_http.errors import ApplicationError
from hookserve_http.suspendable import HIGH_WATER, QUICK_TIME
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

from hookserve.protocol.seam import PAUSED, READY, SUSPENDED, RequestCancelled, Transport
from hookserve_tornado.native.incoming import IncomingRequest
from hookserve_tornado.native.stream import ConnectionStream

if TYPE_CHECKING:
    from tornado.web import RequestHandler


_SWITCHING = 101
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
_RESTART = 1012
"""The close code of a websocket whose server is replaced (RFC 6455, 7.4.1, and IANA)."""


class TornadoExchange(IncomingRequest):
    """One exchange."""

    NOT_BEGUN = "the application has written no headers"

    # What tornado calls.

    def set_close_callback(self, callback: Callable[[], object] | None) -> None:
        """Have a function called when the client is gone before the response has ended."""
        self._close_callback = callback
        if callback is not None and self.is_gone:
            self.endpoint.loop.call_soon(self._notify_close)

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Send the head of the response, and maybe a first part of its body.

        Raises ApplicationError for a header that cannot be sent.
        """
        assert isinstance(start_line, ResponseStartLine)
        if self._is_closed:
            return self._closed()
        self.headers = pairs = list(headers.get_all())
        status = f"{start_line.code} {start_line.reason}"
        try:
            if start_line.code == _SWITCHING:
                return self._switch(pairs)
            self.status_code, self.head_lines, self.content_length, self.own_lines = (
                self.endpoint.writer.encode(status, pairs)
            )
        except ApplicationError as error:  # tornado has no other head to send
            self.fail(error)
            self.end_response()
            raise
        self.status = status
        if "Connection" in headers and headers["Connection"].lower() == "close":
            self.persists = False
        return self.write(chunk or b"")

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Send a part of the body; the future is done when there is room for more."""
        if self._is_closed:
            return self._closed()
        is_first = not self.head_sent
        try:
            self.write_body(chunk if type(chunk) is bytes else bytes(chunk))
        except OSError:
            return self._closed()
        if is_first and self.is_suspended and not self.endpoint.worker.alive:
            self.leave()
        return self._written()

    def finish(self) -> None:
        """The response is complete."""
        if self.status_code == _SWITCHING or self.has_ended:
            return
        if self.disconnect_error is None:
            try:
                self.end_body()
            except OSError:  # `on_disconnect` has it
                pass
        self.end_response()

    def detach(self) -> ConnectionStream:
        """Take the connection over; no request follows on it."""
        self._stream = stream = ConnectionStream(self)
        self._close_callback = self._delegate = None
        self.persists = False
        self.head_sent = True  # whatever the application sends is its own
        self.head = self.head.partition(b"\r\n")[0]  # for as long as it is open
        if self.is_suspended and not self.endpoint.worker.alive:
            self.endpoint.loop.call_soon(self.leave)
        return stream

    def close(self) -> None:
        """Close the connection."""
        if not self.has_ended:
            self.finish_with(0)
            self.end_response()

    # What handlers and streams call.

    def run_by(self, task: asyncio.Task[object] | None, handler: RequestHandler) -> None:
        """The handler has begun, and waits if it has a task."""
        if not self.is_over:
            self._task, self._handler = task, handler

    def on_cancelled(self) -> None:
        """The task of the handler was cancelled."""
        if not self.has_ended:
            is_at_end = not self.endpoint.worker.alive
            reason = "the worker ends" if is_at_end else "the application cancelled it"
            self.fail(RequestCancelled(self.reason or reason))
            self.end_response()

    @property
    def has_room(self) -> bool:
        """Whether the client has taken enough for more to be sent."""
        return self.transport.unsent <= HIGH_WATER

    def send_raw(self, data: bytes) -> None:
        """Send bytes of a connection that was taken over; raises OSError."""
        self.sent += len(data)
        self.send_bytes(data)
        self._push()

    def resume_reading(self) -> None:
        """The client may be read from again."""
        self.connection.handle.resume()

    def end_response(self) -> None:
        """Nothing more is sent: have what is left go out, and the exchange end."""
        self.has_ended = True
        if self.is_over:
            return
        if self.disconnect_error is not None or not self.is_suspended:
            self.end_exchange()
        else:
            self.connection.handle.resume_now()

    # What the connection calls.

    @property
    def takes_input(self) -> bool:
        """As `SuspendableExchange.takes_input`."""
        return self._stream is not None or super().takes_input

    @property
    def state(self) -> int:
        """As of the connection."""
        stream = self._stream
        if stream is None:
            return super().state
        if self.has_ended or (self.suspension is not None and self.suspension.pending):
            return READY
        return PAUSED if stream.is_full else SUSPENDED

    def feed(self, data: bytes) -> None:
        """As `SuspendableExchange.feed`."""
        if self._stream is not None:
            self._stream.feed(data)
        else:
            super().feed(data)

    def end_input(self) -> None:
        """As `SuspendableExchange.end_input`."""
        super().end_input()
        self._notify_close()

    def drained(self) -> None:
        """As `SuspendableExchange.drained`."""
        super().drained()
        if self._stream is not None:
            self._stream.on_room()

    def send_pending(self, transport: Transport) -> None:
        """As `SuspendableExchange.send_pending`."""
        super().send_pending(transport)
        if self._stream is not None and not self.is_over:
            self._stream.on_room()

    def leave(self) -> None:
        """As `SuspendableExchange.leave`; a websocket is closed."""
        if self._stream is None:
            super().leave()
        elif hasattr(self._handler, "ws_connection"):
            self._handler.close(_RESTART)
            if self.endpoint.worker.is_quick:
                self.endpoint.loop.call_later(QUICK_TIME, self._stream.close)

    def disconnect(self, error: OSError) -> None:
        """As `SuspendableExchange.disconnect`."""
        super().disconnect(error)
        self._notify_close()
        if self._task is None and self._stream is None and not self.is_over:
            self.end_response()

    # The course of the exchange.

    def _switch(self, pairs: list[tuple[str, str]]) -> asyncio.Future[None]:
        """Accept an upgrade, whose fields go from hop to hop (RFC 9110, 7.8 and 15.2.2)."""
        if "HTTP_UPGRADE" not in self.environ or self.is_bodiless or not self.is_http11:
            raise ApplicationError("status 101, and the client has asked for no upgrade")
        writer = self.endpoint.writer
        lines = [writer.line(each) for each in (*pairs, *self.id_fields(pairs))]
        protocols = [value for name, value in pairs if name.lower() == "upgrade"]
        upgrade = b"Upgrade: %b\r\n" % ", ".join(protocols).encode("latin-1")
        self.status, self.status_code = "101 Switching Protocols", _SWITCHING
        self.head_sent, self.persists = True, False
        try:
            self.send_bytes(_SWITCH, upgrade, writer.date(), *lines, b"\r\n")
        except OSError:
            return self._closed()
        return self._written()

    @property
    def _is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self.disconnect_error is not None or self.shall_end or self.has_ended

    def _closed(self) -> asyncio.Future[None]:
        future: asyncio.Future[None] = self.endpoint.loop.create_future()
        error = self.disconnect_error
        found = error if isinstance(error, Exception) else None
        future.set_exception(StreamClosedError(real_error=found))
        future.exception()  # it need not be asked for
        return future

    def _written(self) -> asyncio.Future[None]:
        self._push()
        if self.transport.unsent <= HIGH_WATER:
            return self.endpoint.done
        suspension = self.ensure_suspension()
        if suspension.room is None:
            suspension.room = self.endpoint.loop.create_future()
        return asyncio.shield(suspension.room)

    def _push(self) -> None:
        suspension = self.suspension
        if suspension is not None and suspension.has_begun and suspension.pending:
            self.connection.handle.resume_now()

    def request_end(self) -> None:
        """As `SuspendableExchange.request_end`."""
        super().request_end()
        if self.shall_end:
            self._notify_close()

    def _notify_close(self) -> None:
        """The application is told that its client is gone, once it has what has arrived."""
        body = self.input
        is_waiting = not self.has_whole_body and body is not None
        # What was refused is not handed over any more, though it is complete.
        if self._stream is None and is_waiting and body.decoder.is_done and body.failure is None:
            return
        delegate, callback = self._delegate, self._close_callback
        self._delegate = self._close_callback = None
        if self._stream is not None:
            self._stream.end_input()
        elif delegate is not None and is_waiting:
            delegate.on_connection_close()
        elif callback is not None and not self.has_ended:
            callback()

    def on_timeout(self, timeout: float) -> None:
        """As `SuspendableExchange.on_timeout`."""
        if self._stream is None:
            super().on_timeout(timeout)

    def cancel_application(self) -> None:
        """As `SuspendableExchange.cancel_application`."""
        task = self._task
        self.fail(RequestCancelled(self.reason))  # first: tornado responds to a cancellation
        self.end_response()
        if task is not None:
            task.cancel()

    def fail(self, error: BaseException) -> None:
        """As `SuspendableExchange.fail`."""
        self._notify_close()
        if isinstance(error, HTTPInputError) and not self.has_ended:
            self.reason = str(error)
            self.finish_with(400)
        else:
            super().fail(error)

    def end_exchange(self) -> None:
        """As `SuspendableExchange.end_exchange`."""
        self._delegate = self._close_callback = self._handler = self._task = None
        super().end_exchange()
