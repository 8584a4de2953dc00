"""A tornado application on tornado's own HTTPServer, with the worker's accounting around it.

tornado speaks the protocol here, coroutines, streamed bodies and websockets included; what every
worker promises is added at its edges: accepting within the limits, the scoreboard, recycling,
the request hooks and the access record, and a stop that waits for the requests in flight.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.web import Application, RequestHandler

from hookserve_tornado.containment import contain
from hookserve_tornado.observation import Observation
from hookserve_tornado.streams import ObservedStream, Streams

if TYPE_CHECKING:
    from hookserve.listeners.listeners import Listener
    from hookserve_tornado.worker import TornadoWorker

_ACCEPT_BUDGET = 16
_FULL_PAUSE = 0.2
"""Seconds until a worker without a place looks for one again."""


class NativeServer:
    """Serves `app` on the worker's loop."""

    def __init__(self, worker: TornadoWorker, app: Application) -> None:
        config = worker.config
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._app = app
        contain(app)
        self._log_request = app.log_request
        app.log_request = self._finish  # type: ignore[method-assign]  # tornado calls it at the end of each request
        self._server = _Server(
            app,
            no_keep_alive=not config.keepalive,
            idle_connection_timeout=config.keepalive or config.header_timeout or None,
            max_body_size=config.get("limit_request_body") or None,
        )
        self._server.observe, self._server.abandon = self._observe, self._abandon
        self._server.receive_end = self._receive_end
        self._observed: dict[object, tuple[Observation, ObservedStream]] = {}
        self._limit: int = config.worker_connections
        self._streams = Streams(self._loop, config)
        self._is_accepting = False

    def start(self) -> None:
        """Accept from all listeners, unless that is done already or the worker is stopping."""
        if self._is_accepting or not self._worker.alive:
            return
        self._is_accepting = True
        for listener in self._worker.listeners:
            self._loop.add_reader(listener.fileno(), partial(self._accept_from, listener))

    async def begin_drain(self) -> None:
        """Accept no more, close idle connections, finish the rest."""
        self._server.conn_params.no_keep_alive = True  # clients learn it from their next response
        for listener in filter(self._worker.serves_backlog, self._worker.listeners):
            while self._accept_one(listener):
                pass
        self._stop()
        for listener in self._worker.listeners:
            listener.close()
        self._loop.call_later(self._worker.config.linger_timeout, self._close_idle)

    def is_draining(self, deadline: float) -> bool:
        """Whether there is something left to finish, and time for it.

        At a quick stop that is what runs or has arrived: no silent client is waited for.
        """
        if self._worker.clock() >= deadline:
            return False
        return self._has_work() if self._worker.is_quick else len(self._streams) > 0

    def _has_work(self) -> bool:
        """Whether a request runs, or something has arrived that is not read yet."""
        return self._streams.has_unread() or any(
            not stream.is_waited_for for _, stream in self._observed.values()
        )

    def _stop(self) -> None:
        if self._is_accepting:
            self._is_accepting = False
            for listener in self._worker.listeners:
                self._loop.remove_reader(listener.fileno())

    def _accept_from(self, listener: Listener) -> None:
        for _ in range(_ACCEPT_BUDGET):
            is_full = len(self._streams) >= self._limit
            evictable = self._streams.find_evictable() if is_full else None
            if is_full and evictable is None:
                self._stop()
                self._loop.call_later(_FULL_PAUSE, self.start)
                return
            if not self._accept_one(listener):
                if listener.refuses_new_connections:  # it may be readable for ever
                    self._loop.remove_reader(listener.fileno())
                break
            if evictable is not None:
                evictable.close()
        pause = self._worker.accepts_again_at - self._worker.clock()
        if pause > 0:
            self._stop()
            self._loop.call_later(pause, self.start)

    def _accept_one(self, listener: Listener) -> bool:
        found = self._worker.accept_socket(listener)
        if found is None:
            return False
        fd, peer = found
        stream = ObservedStream(socket.socket(fileno=fd), self._streams.watch, self._closed)
        self._streams.add(stream)
        self._worker.count_open(len(self._streams))
        self._server.handle_stream(stream, peer)  # type: ignore[arg-type]  # a unix socket's is no tuple
        return True

    def _closed(self, stream: ObservedStream) -> None:
        self._streams.discard(stream)
        self._worker.count_open(len(self._streams))
        if not self._is_accepting and len(self._streams) < self._limit:
            self.start()

    def _close_idle(self) -> None:
        """Close the connections without a request, and the others when it is done."""
        self._closing = self._loop.create_task(self._server.close_all_connections())

    def _observe(
        self, connection: HTTP1Connection, start: RequestStartLine, headers: HTTPHeaders
    ) -> None:
        """A request's head is complete."""
        self._worker.notify()
        observation = Observation(self._worker, connection, start, headers)
        stream = connection.stream
        assert isinstance(stream, ObservedStream)
        self._observed[connection] = (observation, stream)
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            stream.begin_body()
            self._streams.watch(stream)

    def _receive_end(self, connection: object) -> None:
        """A request's body is complete."""
        self._observed[connection][1].end_body()

    def _abandon(self, connection: object) -> None:
        """The client has gone before its request was answered."""
        observed = self._observed.pop(connection, None)
        if observed is not None:
            observed[0].end(0, [], "the client is gone")

    def _finish(self, handler: RequestHandler) -> None:
        """tornado has finished a request."""
        observed = self._observed.pop(handler.request.connection, None)
        if observed is not None:
            observation, stream = observed
            observation.end(handler.get_status(), list(handler._headers.get_all()), "")
            stream.begin_idle()
        self._log_request(handler)


class _Server(HTTPServer):
    """tornado's server, observed."""

    observe: Callable[[HTTP1Connection, RequestStartLine, HTTPHeaders], None]
    receive_end: Callable[[object], None]
    abandon: Callable[[object], None]

    def start_request(
        self, server_conn: object, request_conn: HTTPConnection
    ) -> HTTPMessageDelegate:
        return _Message(self, request_conn, super().start_request(server_conn, request_conn))


class _Message(HTTPMessageDelegate):
    """One request on its way to the application."""

    def __init__(
        self, server: _Server, connection: HTTPConnection, delegate: HTTPMessageDelegate
    ) -> None:
        self._server = server
        self._connection = connection
        self._delegate = delegate

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        assert isinstance(self._connection, HTTP1Connection)
        self._server.observe(self._connection, start_line, headers)
        return self._delegate.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._delegate.data_received(chunk)

    def finish(self) -> None:
        self._server.receive_end(self._connection)
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._server.abandon(self._connection)
        self._delegate.on_connection_close()
