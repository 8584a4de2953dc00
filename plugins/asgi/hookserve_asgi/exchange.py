"""One request of ASGI and its response: what `receive` and `send` do.

An application runs within `begin` until it waits for something, and what it sends by then goes out
at once.  From then on it is a task, and what it sends is kept until `send_pending` is called, as a
rule within the same call of `send`.

The order is that of WSGI: begin, pre_request, the application up to the end of its response,
post_request, log_access, end.  What comes after its response holds up no connection.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hookserve_http.errors import ApplicationError, BadRequest, RequestTimeout
from hookserve_http.request import RequestView

from hookserve.protocol.seam import PAUSED, SUSPENDED, RequestCancelled, Transport
from hookserve_asgi.response import AsgiResponse
from hookserve_asgi.scope import Message, make_scope
from hookserve_asgi.suspension import Suspension

if TYPE_CHECKING:
    from hookserve.worker.scoreboard import RequestSlot
    from hookserve_asgi.connection import AsgiConnection
    from hookserve_asgi.protocol import AsgiProtocol

HIGH_WATER = 65536
"""Bytes that the client has not taken, from which on `send` waits."""
_LEAVE_TIME = 1.0
"""How long a stream of events may end by itself once the worker is about to stop, in seconds."""


class AsgiExchange(AsgiResponse):
    """One exchange."""

    __slots__ = (
        "_connection",
        "_has_body",
        "_is_gone",
        "_shall_end",
        "_slot",
        "_suspension",
        "is_over",
    )

    _endpoint: AsgiProtocol
    _connection: AsgiConnection
    _slot: RequestSlot
    is_over: bool
    """Whether the response was handed over, and the connection is free for the next request."""
    _has_body: bool
    """Whether the application has the whole body of the request."""
    _is_gone: bool
    """Whether the application is told that its client is gone."""
    _shall_end: bool
    """Whether that is because the worker stops."""
    _suspension: Suspension | None
    _make_scope = staticmethod(make_scope)

    def begin(self, connection: AsgiConnection, transport: Transport) -> None:
        """Begin the application, and run it until it ends or waits."""
        endpoint = self._endpoint
        environ = self.environ
        self._connection, self._transport = connection, transport
        self._has_body = self.has_ended = self.is_over = False
        self._is_gone = self._shall_end = False
        self._suspension = self._trailers = None
        name = environ.get("HTTP_X_REQUEST_ID")
        self._slot = endpoint.worker.begin(self.head, name.encode("latin-1") if name else b"")
        try:
            if endpoint.pre_request:
                self._call_pre_request()
            scope = self._make_scope(environ, self.head, connection.fields, endpoint)
            task = endpoint.start_coroutine(endpoint.application(scope, self.receive, self.send))
        except BaseException as error:  # the application may raise anything
            self._fail(error)
            return
        if task is not None:
            self._suspend(task)
        elif not self.is_over:
            self._end()

    # What the application calls.

    async def receive(self) -> Message:
        """The next event: a part of the body, or the end."""
        while not self.has_ended:
            if not self._has_body:
                message = self._next_part()
                if message is not None:
                    return message
            if self._is_gone:
                break
            await self._next_event()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Take an event of the application's; waits while the client does not read.

        Raises OSError when the client is gone, ApplicationError for what may not come now.
        """
        pieces = self.take(message)
        if pieces is not None:
            for _ in pieces:
                await self._hand_over()
        await self._hand_over()

    async def _hand_over(self) -> None:
        """Have the connection send what was taken, and wait for room."""
        suspension = self._suspension
        if suspension is not None and suspension.task is not None:
            if suspension.pending or self.has_ended:
                self._connection.handle.resume_now()
            elif not self._head_sent:
                self._endpoint.loop.call_soon(self._send_head_alone)
        elif self.has_ended:
            self._close()
            return
        if self.has_ended:
            return
        if self._disconnect_error is not None:
            raise self._disconnect_error
        if self._transport.unsent > HIGH_WATER:
            await self._wait_for_room()

    def _send_head_alone(self) -> None:
        """The application has begun a response, and waits before it sends a part of the body."""
        suspension = self._suspension
        assert suspension is not None
        assert suspension.task is not None
        if not (self._head_sent or self._disconnect_error or suspension.task.done()):
            self.send_head()
            self._connection.handle.resume_now()
            if not self._endpoint.worker.alive:
                self.leave()

    # What the connection calls.

    def send_pending(self, transport: Transport) -> None:
        """Send what the application has sent since the last time."""
        suspension = self._suspension
        assert suspension is not None
        try:
            suspension.send_to(transport)
        except OSError as error:
            self.disconnect(error)
        if self.has_ended and not self.is_over:
            self._close()

    @property
    def takes_input(self) -> bool:
        """Whether what comes is part of the body, and not the next request."""
        return self.input is not None and not self.input.decoder.is_done

    @property
    def state(self) -> int:
        """That of the connection while the exchange is suspended."""
        return PAUSED if self.input is not None and self.input.is_full else SUSPENDED

    def feed(self, data: bytes) -> None:
        """Take bytes of the body."""
        if self.input.failure is not None:
            return
        try:
            self.input.feed(data)
        except BadRequest as error:
            self._fail_body(error)
        self._wake()

    def _fail_body(self, error: BadRequest) -> None:
        """The rest of the body is of no use."""
        self.input.failure = error
        self.reason = self.reason or str(error)
        self.end_input()

    def end_input(self) -> None:
        """The client sends no more: to an application it is gone, though its response is sent."""
        self.persists = False
        if not (self.input is None or self.input.decoder.is_done):
            self.reason = self.reason or "the client disconnected"
        self._is_gone = True
        self._wake()

    def drained(self) -> None:
        """The client has taken all that was sent."""
        if self._suspension is not None:
            self._suspension.drained()

    def leave(self) -> None:
        """The worker is about to stop: a stream of events may have no end of its own, and is told
        to end unless it does so in a moment."""
        if self._start_is_event_stream():
            self._endpoint.loop.call_later(_LEAVE_TIME, self._request_end)

    def _request_end(self) -> None:
        if not (self.has_ended or self._is_gone):
            self._is_gone = self._shall_end = True
            self._wake()

    def disconnect(self, error: OSError) -> None:
        """The client is gone: nothing can be sent any more."""
        if not self.is_over:
            self._on_disconnect(error)
            self._is_gone = True
            self._wake()
            self.drained()
            if self.has_ended:
                self._close()

    # The course of the exchange.

    def _suspend(self, task: asyncio.Task[object]) -> None:
        """The application waits for something: it goes on in a task."""
        suspension = self._waiting()
        if not self.is_over:
            try:
                self.send_head()
            except OSError:  # the next send of the application raises it
                pass
            suspension.begin(task, self._transport)
            if self._disconnect_error is None:
                self._transport = suspension
            else:
                self._is_gone = True
            if not self._endpoint.worker.alive:
                self.leave()
            timeout = self._endpoint.request_timeout
            if timeout:
                later = self._endpoint.loop.call_later
                suspension.timer = later(timeout, self._on_timeout, timeout)
        task.add_done_callback(self._on_task_end)

    def _on_timeout(self, timeout: float) -> None:
        suspension = self._suspension
        if suspension is not None and suspension.task is not None and not self.has_ended:
            self.reason = f"request_timeout ({timeout:g} s)"
            suspension.task.cancel()

    def _on_task_end(self, task: asyncio.Task[object]) -> None:
        if task.cancelled():
            is_at_end = not self._endpoint.worker.alive
            reason = "the worker ends" if is_at_end else "the application cancelled it"
            self._fail(RequestCancelled(self.reason or reason))
        elif (error := task.exception()) is not None:
            self._fail(error)
        elif not self.has_ended:
            self._end()
        if not self.is_over:
            if self._is_gone and self._disconnect_error is not None:
                self._close()  # the connection may be closed
            self._connection.handle.resume_now()

    def _end(self) -> None:
        """The application has returned before its response has ended."""
        if self._is_gone and not self._head_sent:
            self.reason = self.reason or "the client disconnected"
            self._finish_with(self._refusal)
        elif self._shall_end and self._disconnect_error is None:
            self._finish()
            self.has_ended = True
        elif not self.status:
            self._fail(ApplicationError(self.NOT_BEGUN))
        else:
            self._warn("the application ended before its response did")
            self._finish_with(500)

    @property
    def _refusal(self) -> int:
        """The status by which a body that cannot be received is refused; 0: no fault was found."""
        failure: BadRequest | None = None if self.input is None else self.input.failure
        return 0 if failure is None else failure.status

    def _fail(self, error: BaseException) -> None:
        """The application has raised."""
        worker = self._endpoint.worker
        worker.end_if_forked(error)
        method, target = self.method_and_target
        if isinstance(error, RequestCancelled):
            after = " (after its response)" if self.has_ended else ""
            worker.log.warning("%s %s: %s%s", method, target, error, after)
            if not self.has_ended:
                self.reason = str(error)
                self._finish_with(503)
        elif self._is_disconnect(error):
            if not self.has_ended:
                self._finish_with(self._refusal)
        elif self.has_ended:
            what = "%s %s: error after the response"
            worker.log.error(what, method, target, exc_info=error)
        else:
            self.reason = f"the application failed: {type(error).__name__}"
            worker.log.error("error handling %s %s", method, target, exc_info=error)
            self._finish_with(500)

    def _is_disconnect(self, error: BaseException) -> bool:
        """Whether the application says no more than that its client is gone, or has not sent all
        of the body: then it has nothing to work with, however it says so."""
        body = self.input
        if self._is_gone and body is not None and not body.decoder.is_done:
            return isinstance(error, Exception)
        gone = self._disconnect_error
        return gone is not None and gone in (error, error.__cause__, error.__context__)

    def _finish_with(self, status: int) -> None:
        """End the response, with an error page where there is a status and no head was sent."""
        self.persists = False
        if status and not self._head_sent:
            self._send_error_page(status)
        self.has_ended = True
        if self._suspension is None or self._suspension.task is None:
            self._close()

    def _close(self) -> None:
        """The response has been handed over."""
        self.is_over = True
        endpoint = self._endpoint
        if self._suspension is not None:
            self._suspension.close()
            self._wake()
        try:
            if endpoint.notify_observers is not None:
                self.complete_record()
                endpoint.notify_observers(self, self._slot.began)
        finally:
            endpoint.worker.end(self._slot, self.status_code // 100, self.sent)

    def _call_pre_request(self) -> None:
        view = self.view = RequestView()
        view.environ = self.environ
        for observe in self._endpoint.pre_request:
            observe(self._endpoint.worker, view, self.environ)

    def _start_is_event_stream(self) -> bool:
        return self._head_sent and b"content-type: text/event-stream" in self._start.lower()

    def _next_part(self) -> Message | None:
        """What has arrived of the body; `None`: it has to be waited for."""
        body = self.input
        if body is None:
            self._has_body = True
            return {"type": "http.request", "body": b"", "more_body": False}
        was_full = body.is_full
        data, is_done = body.take(), body.decoder.is_done
        if not data and not is_done:
            if body.expects_continue and not self._is_gone:
                self._send_continue()
            return None
        if was_full:
            self._connection.handle.resume()
        self._has_body = is_done
        return {"type": "http.request", "body": data, "more_body": not is_done}

    def _send_continue(self) -> None:
        """``100 Continue`` (RFC 9110, 10.1.1): the client waits for it before it sends the body."""
        self.input.expects_continue = False
        if not self._head_sent:
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._connection.handle.resume_now()

    async def _next_event(self) -> None:
        loop = self._endpoint.loop
        future = loop.create_future()
        self._waiting().receivers.append(future)
        body = self.input
        if self._has_body or body is None:
            await future
            return
        left = body.time_left(self._endpoint.body_timeout, self._endpoint.body_rate)
        timer = loop.call_later(left, self._on_slow_body) if left else None
        began = loop.time()
        try:
            await future
        finally:
            body.waited += loop.time() - began
            if timer is not None:
                timer.cancel()

    def _on_slow_body(self) -> None:
        self._fail_body(RequestTimeout("timeout while reading the request body"))

    def _wake(self) -> None:
        """Something has happened that the application may wait for."""
        if self._suspension is not None:
            self._suspension.wake()

    async def _wait_for_room(self) -> None:
        suspension = self._waiting()
        if suspension.room is None:
            suspension.room = self._endpoint.loop.create_future()
        await asyncio.shield(suspension.room)
        if self._disconnect_error is not None:
            raise self._disconnect_error

    def _waiting(self) -> Suspension:
        if self._suspension is None:
            self._suspension = Suspension()
        return self._suspension
