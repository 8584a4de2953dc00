"""The way of a request to tornado's application: its head, and its body as it arrives."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from hookserve_http.errors import BodyTooLarge
from hookserve_http.suspendable import SuspendableExchange
from tornado.httputil import HTTPConnection, HTTPMessageDelegate

from hookserve_tornado.native.request import RequestContext, make_headers, make_start_line

if TYPE_CHECKING:
    from hookserve_tornado.native.protocol import TornadoProtocol
    from hookserve_tornado.native.stream import ConnectionStream


class IncomingRequest(SuspendableExchange, HTTPConnection):
    """Hands a request to the application's delegate."""

    endpoint: TornadoProtocol
    context: RequestContext
    """What tornado knows of the client."""
    _delegate: HTTPMessageDelegate | None
    _close_callback: Callable[[], object] | None
    _stream: ConnectionStream | None
    """Once the application has taken the connection over."""
    _handler: Any  # Any: a RequestHandler, maybe of websockets
    _task: asyncio.Task[object] | None
    """The one that runs the handler, where it has waited."""

    def start_application(self) -> asyncio.Task[object] | None:
        """As `SuspendableExchange.start_application`."""
        endpoint, environ = self.endpoint, self.environ
        self._close_callback = self._stream = self._handler = self._task = None
        self._max_body_size, self._body_time = endpoint.max_body_size, 0.0
        self.context = RequestContext(environ)
        self._delegate = delegate = endpoint.application.start_request(self.connection, self)
        awaited = delegate.headers_received(
            make_start_line(environ), make_headers(self.connection.fields.of(self.head, environ))
        )
        if self.input is not None or awaited is not None:
            return endpoint.start_coroutine(self._receive(delegate, awaited))
        self.has_whole_body = True
        self._finish_request(delegate)
        return None

    def go_on(self, task: asyncio.Task[object] | None) -> None:
        """As `SuspendableExchange.go_on`."""
        if not self.is_over:
            self.suspend(self._task)
        if task is not None:
            task.add_done_callback(self._on_received)

    @abstractmethod
    def end_response(self) -> None:
        """Nothing more is sent: have what is left go out, and the exchange end."""

    # What an application sets for its request.

    def set_max_body_size(self, size: int) -> None:
        """Bytes that the body of this request may have, up to `limit_request_body`."""
        self._max_body_size = size

    def set_body_timeout(self, seconds: float) -> None:
        """Seconds for the whole body of this request."""
        self._body_time = seconds

    # The body.

    def _finish_request(self, delegate: HTTPMessageDelegate) -> None:
        """The request is complete."""
        if self._stream is None and not self.has_ended:
            delegate.finish()

    async def _receive(
        self, delegate: HTTPMessageDelegate, awaited: Awaitable[None] | None
    ) -> None:
        if awaited is not None:
            await awaited
        timer = None
        if self._body_time:
            timer = self.endpoint.loop.call_later(self._body_time, self.on_slow_body)
        try:
            while not (self.has_whole_body or self._stream is not None or self.has_ended):
                await self._deliver(delegate)
                if self.is_gone and not self.has_whole_body:
                    if not self.has_ended:  # the application knows that the rest does not come
                        self.finish_with(self.refusal_status)
                    return
        finally:
            if timer is not None:
                timer.cancel()
        self._finish_request(delegate)

    async def _deliver(self, delegate: HTTPMessageDelegate) -> None:
        """Hand the delegate what has arrived, or wait for more."""
        body = self.input
        if body is None:
            self.has_whole_body = True
            return
        was_full = body.is_full
        data, is_done = body.take(), body.decoder.is_done
        if body.received + self._left_of(body.decoder) > self._max_body_size:
            limit = self._max_body_size
            self.fail_body(BodyTooLarge(f"request body larger than {limit} bytes"))
        elif data or is_done:
            if was_full:
                self.connection.handle.resume()
            if data:
                taken = delegate.data_received(data)
                if taken is not None:
                    await taken
            self.has_whole_body = is_done
        elif not self.is_gone:
            if body.expects_continue:
                self.send_continue()
            await self.wait_for_event()

    @staticmethod
    def _left_of(decoder: Any) -> int:  # Any: a Decoder
        """What is known to come still."""
        left: int = decoder.most_left
        return left if left < 1 << 62 else 0

    def _on_received(self, task: asyncio.Task[object]) -> None:
        """The body has been received, or could not be."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.fail(error)
        if self.has_ended and not self.is_over:
            self.end_response()
