"""One request of ASGI and its response: what `receive` and `send` do.

An application runs within `begin` until it waits for something.  What it sends by then goes out at
once; what it sends later is kept until `send_pending` is called, within the same call of `send` as a
rule.  The order is that of WSGI: begin, pre_request, the application up to the end of its response,
post_request, log_access, end.  What the application does after its response holds up nobody.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import RequestCancelled, Transport
from hookserve_asgi.scope import Message, make_scope
from hookserve_http.disconnected import DisconnectedTransport
from hookserve_http.errors import ApplicationError, BadRequest, RequestTimeout
from hookserve_http.outgoing import OutgoingResponse
from hookserve_http.request import RequestView

if TYPE_CHECKING:
    from hookserve.worker.scoreboard import RequestSlot
    from hookserve_asgi.connection import AsgiConnection
    from hookserve_asgi.protocol import AsgiProtocol

_HIGH_WATER = 65536
"""Bytes that the client has not taken, from which on `send` waits."""
_DISCONNECT = {"type": "http.disconnect"}


class AsgiExchange(OutgoingResponse):
    """One exchange."""

    NOT_BEGUN = "the application has sent no http.response.start"

    __slots__ = (
        "_connection",
        "_drain",
        "_has_body",
        "_has_ended",
        "_is_gone",
        "_pending",
        "_receivers",
        "_slot",
        "_task",
        "_timer",
        "_trailers",
        "_unsent",
        "is_over",
    )

    _endpoint: AsgiProtocol  # type: ignore[assignment]  # narrower
    _connection: AsgiConnection
    _slot: RequestSlot

    def begin(self, connection: AsgiConnection, transport: Transport) -> None:
        """Begin the application, and run it until it ends or waits."""
        endpoint = self._endpoint
        worker = endpoint.worker
        self._connection = connection
        self._transport = transport
        self._task: asyncio.Task[object] | None = None
        self._receivers: list[asyncio.Future[None]] = []
        self._drain: asyncio.Future[None] | None = None
        self._pending: list[Any] = []  # Any: bytes, or a stretch of a file
        self._timer: asyncio.TimerHandle | None = None
        self._has_body = self._has_ended = self._is_gone = self.is_over = False
        self._trailers: list[bytes] | None = None
        self._unsent = 0
        name = self.environ.get("HTTP_X_REQUEST_ID")
        self._slot = worker.begin(self.head, name.encode("latin-1") if name else b"")
        if endpoint.pre_request:
            self._notify_begin()
        scope = make_scope(
            self.environ, self.head, connection.fields, endpoint.server, endpoint.root_path
        )
        if endpoint.state:
            scope["state"] = endpoint.state.copy()
        try:
            task = worker.start_coroutine(endpoint.app(scope, self.receive, self.send))
        except BaseException as error:  # the application may raise anything
            self._fail(error)
            return
        if task is None:
            self._end()
        else:
            self._suspend(task)

    # What the application calls.

    async def receive(self) -> Message:
        """The next event: a part of the body, or the end."""
        while not (self._has_ended or self._is_gone):
            if not self._has_body:
                message = self._next_part()
                if message is not None:
                    return message
            await self._next_event()
        return _DISCONNECT.copy()

    async def send(self, message: Message) -> None:
        """Take an event of the application's; waits while the client does not read.

        Raises OSError when the client is gone, ApplicationError for what may not come now.
        """
        kind = message["type"]
        if kind == "http.response.body":
            self._send_body(message)
        elif kind == "http.response.start":
            self._begin_response(message)
        else:
            self._send_other(kind, message)
        if self._task is not None:
            self._connection.handle.resume_now()
        if self._unsent > _HIGH_WATER and not self._has_ended:
            await self._wait_for_room()

    def _begin_response(self, message: Message) -> None:
        if self._head_sent or self.status:
            raise ApplicationError("http.response.start was sent twice")
        status = message["status"]
        self.headers = headers = message.get("headers", [])
        self.status_code, self._start, self._length, self._own = self._endpoint.writer.encode_bytes(
            status, headers
        )
        self.status = str(status)
        if message.get("trailers"):
            self._trailers = []
        if self._task is not None:
            self._endpoint.worker.loop.call_soon(self._send_head_alone)

    def _send_head_alone(self) -> None:
        """The application has begun a response and waits before it sends a part of the body."""
        if not (self._head_sent or self._is_gone):
            self._send(self._head(-1))
            self._connection.handle.resume_now()

    def _send_body(self, message: Message) -> None:
        if self._has_ended:
            raise ApplicationError("the response has ended already")
        body = message.get("body", b"")
        if type(body) is not bytes:
            body = bytes(body)
        if message.get("more_body"):
            self._write(body)
            self._unsent = self._transport.unsent
        elif self._trailers is not None:
            self._write(body)
        else:
            self._send_whole(body)
            self._complete()

    def _send_other(self, kind: str, message: Message) -> None:
        if kind == "http.response.pathsend":
            self._send_path(message["path"])
        elif kind == "http.response.zerocopysend":
            self._send_stretch(message)
        elif kind == "http.response.early_hint":
            links = [self._endpoint.writer.line(("Link", str(each, "latin-1"))) for each in message["links"]]
            if self.is_http11 and not self._head_sent:
                self._send(b"HTTP/1.1 103 Early Hints\r\n", *links, b"\r\n")
        elif kind == "http.response.trailers":
            self._send_trailers(message)
        else:
            raise ApplicationError(f"there is no event {kind!r}")

    def _send_trailers(self, message: Message) -> None:
        if self._trailers is None or not self._head_sent or self._has_ended:
            raise ApplicationError("trailers were not announced, or come before the body's end")
        for name, value in message.get("headers", ()):
            pair = str(name, "latin-1"), str(value, "latin-1")
            self._trailers.append(self._endpoint.writer.line(pair))
        if not message.get("more_trailers"):
            if self._chunked:
                self._chunked = False
                self._send(b"0\r\n", *self._trailers, b"\r\n")
            self._complete()

    def _send_path(self, path: str) -> None:
        with open(path, "rb") as file:
            self._send_file(file.fileno(), 0, os.fstat(file.fileno()).st_size)
        self._complete()

    def _send_stretch(self, message: Message) -> None:
        file = message["file"]
        fileno = file if isinstance(file, int) else file.fileno()
        offset = message.get("offset")
        if offset is None:
            offset = os.lseek(fileno, 0, os.SEEK_CUR)
        left = os.fstat(fileno).st_size - offset
        self._send_file(fileno, offset, min(left, message.get("count", left)))
        if not message.get("more_body"):
            self._complete()

    def _send_file(self, fileno: int, offset: int, count: int) -> None:
        """Send part of a file from where it is, where the kernel can; else by reading it."""
        if not self._head_sent:
            self._send(self._head(count if self._length < 0 else -1))
        if self.is_bodiless:
            return
        if not self._chunked and self._task is None:
            try:
                self.sent += self._transport.send_file(fileno, offset, count)
                return
            except NotImplementedError:
                pass
            except OSError as error:
                self._on_disconnect(error)
                raise
        while count > 0 and (data := os.pread(fileno, min(count, _HIGH_WATER), offset)):
            self._write(data)
            offset += len(data)
            count -= len(data)

    # What the connection calls.

    def send_pending(self, transport: Transport) -> None:
        """Send what the application has sent since the last time."""
        pending, self._pending = self._pending, []
        if pending:
            try:
                transport.send(*pending)
            except OSError as error:
                self.disconnect(error)
            self._unsent = transport.unsent
        if self._has_ended and not self.is_over:
            self._close()

    def feed(self, data: bytes) -> None:
        """Take bytes of the body."""
        try:
            self.input.feed(data)
        except BadRequest as error:
            self.input.failure = error
            self.end_input()
        self._wake()

    def end_input(self) -> None:
        """The client sends no more: to an application it is gone, though its response is sent."""
        self.persists = False
        body = self.input
        if not (body is None or body.decoder.is_done):
            self.reason = self.reason or "the client disconnected"
        self._is_gone = True
        self._wake()

    def drained(self) -> None:
        """The client has taken all that was sent."""
        self._unsent = 0
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)

    def leave(self) -> None:
        """The worker is about to stop: a stream of events has no end of its own."""
        self.persists = False
        kinds = (value for name, value in self.headers if name.lower() == b"content-type")
        if any(kind.startswith(b"text/event-stream") for kind in kinds):
            self._is_gone = True
            self._wake()

    def disconnect(self, error: OSError) -> None:
        """The client is gone: nothing can be sent any more."""
        if self._has_ended:
            return
        self._on_disconnect(error)
        self._is_gone = True
        self._wake()
        self.drained()

    # The course of the exchange.

    def _suspend(self, task: asyncio.Task[object]) -> None:
        """The application waits for something: it goes on in a task."""
        if self.status and not self._head_sent:
            self._send(self._head(-1))
        if self._disconnect_error is None:
            self._transport = _PendingTransport(self)
        self._task = task
        timeout = self._endpoint.request_timeout
        if timeout and not self._has_ended:
            self._timer = self._endpoint.worker.loop.call_later(timeout, self._on_timeout, timeout)
        task.add_done_callback(self._on_task_end)

    def _on_timeout(self, timeout: float) -> None:
        if not self._has_ended and self._task is not None:
            self.reason = f"request_timeout ({timeout:g} s)"
            self._task.cancel()

    def _on_task_end(self, task: asyncio.Task[object]) -> None:
        self._task = None
        try:
            if task.cancelled():
                self._fail(RequestCancelled(self.reason or "cancelled"))
            elif (error := task.exception()) is not None:
                self._fail(error)
            else:
                self._end()
        finally:
            if not self.is_over:
                self._connection.handle.resume_now()

    def _end(self) -> None:
        """The application has returned."""
        if self._has_ended:
            return
        if self._is_gone and not self._head_sent:
            self._refuse_body()
        elif not self.status:
            self._fail(ApplicationError(self.NOT_BEGUN))
        else:
            self._warn("the application ended before its response did")
            self.persists = False
            self._complete()

    def _refuse_body(self) -> None:
        failure = None if self.input is None else self.input.failure
        if failure is not None:
            self.reason = str(failure)
            self._send_error_page(failure.status)
        self.persists = False
        self._complete()

    def _fail(self, error: BaseException) -> None:
        """The application has raised."""
        worker = self._endpoint.worker
        worker.end_if_forked(error)
        method, target = self.method_and_target
        if self._is_disconnect(error):
            self.persists = False
            self._complete()
            return
        if self._has_ended:
            message = "error after the response to %s %s"
            worker.log.error(message, method, target, exc_info=error)
            return
        self.persists = False
        code = 500
        if isinstance(error, RequestCancelled):
            code, self.reason = 503, str(error)
            worker.log.warning("%s %s: %s", method, target, error)
        else:
            self.reason = f"the application failed: {type(error).__name__}"
            worker.log.error("error handling %s %s", method, target, exc_info=error)
        if not self._head_sent:
            self._send_error_page(code)
        self._complete()

    def _is_disconnect(self, error: BaseException) -> bool:
        """Whether the application was told that its client is gone, and says so."""
        gone = self._disconnect_error
        return gone is not None and gone in (error, error.__cause__, error.__context__)

    def _complete(self) -> None:
        """The response has ended, as far as the application is concerned."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._task is None:
            self._close()
        self._wake()

    def _close(self) -> None:
        """The response has been handed over."""
        self.is_over = True
        if self._timer is not None:
            self._timer.cancel()
        endpoint = self._endpoint
        try:
            if endpoint.notify_observers is not None:
                endpoint.notify_observers(self, self._slot.began)
        finally:
            endpoint.worker.end(self._slot, self.status_code // 100, self.sent)

    def _notify_begin(self) -> None:
        view = self.view = RequestView()
        view.environ = self.environ
        for observe in self._endpoint.pre_request:
            observe(self._endpoint.worker, view, self.environ)

    # Waiting.

    def _next_part(self) -> Message | None:
        """What has arrived of the body; `None`: it has to be waited for."""
        body = self.input
        if body is None:
            self._has_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        is_full = body.is_full
        data, is_done = body.take(), body.decoder.is_done
        if not data and not is_done:
            if body.expects_continue:
                body.expects_continue = False
                if not self._head_sent:
                    self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
                    if self._task is not None:
                        self._connection.handle.resume_now()
            return None
        if is_full:
            self._connection.handle.resume()
        self._has_body = is_done
        return {"type": "http.request", "body": data, "more_body": not is_done}

    async def _next_event(self) -> None:
        future = self._endpoint.worker.loop.create_future()
        self._receivers.append(future)
        timer = None
        if not self._has_body and self._endpoint.body_timeout:
            loop = self._endpoint.worker.loop
            timer = loop.call_later(self._endpoint.body_timeout, self._on_slow_body)
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()

    def _on_slow_body(self) -> None:
        self.input.failure = RequestTimeout("timeout while reading the request body")
        self.end_input()

    def _wake(self) -> None:
        """Something has happened that the application may wait for."""
        receivers, self._receivers = self._receivers, []
        for each in receivers:
            if not each.done():
                each.set_result(None)

    async def _wait_for_room(self) -> None:
        if self._drain is None or self._drain.done():
            self._drain = self._endpoint.worker.loop.create_future()
        await asyncio.shield(self._drain)
        if self._disconnect_error is not None:
            raise self._disconnect_error


class _PendingTransport(Transport):
    """Keeps what is sent until the connection has a transport for it."""

    __slots__ = ("_exchange",)

    def __init__(self, exchange: AsgiExchange) -> None:
        self._exchange = exchange

    @property
    def unsent(self) -> int:
        """As it was when the connection had one."""
        return self._exchange._unsent

    def send(self, *buffers: bytes) -> None:
        """Keep the buffers."""
        self._exchange._pending.extend(buffers)

    def receive(self, size: int) -> bytes:
        """Bodies are fed, not received."""
        raise AssertionError("nothing is received")
