"""A small HTTP server for an auxiliary process: few clients, each within a time.

The main thread accepts, and each connection has a thread; nothing wakes the process while nothing
is asked.  TERM ends it once it has answered those that are connected: clients that come then wait
in the accept queue, which the process that follows has too.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from math import inf
from typing import TYPE_CHECKING, ClassVar

from hookserve.system.calls import read, set_signal, write

if TYPE_CHECKING:
    from hookserve.listeners.listeners import Listener
    from hookserve.worker.termination import Termination

_CLIENTS = 16
"""Connections at once."""
_CLIENT_TIME = 10.0
"""Seconds that a client has for its request, and between two."""
_PAUSE = 0.05
_IDLE_TIME = 0.25
"""Seconds after TERM in which an idle connection may bring one more request: one that is closed
while its client sends is reset."""
_END_TIME = 3.0
"""Seconds after TERM for all requests in hand; the longest command takes two."""


def serve(
    listeners: Sequence[Listener],
    make_service: Callable[[Listener], Service],
    termination: Termination,
    sample: Callable[[], object] | None = None,
    interval: float = inf,
) -> None:
    """Serve there until told to end, and call `sample` every `interval` seconds."""
    server = _Server([make_service(each) for each in listeners], termination)
    server.take_signals()
    due = time.monotonic() if sample is not None else inf
    while not termination.is_over():
        if sample is not None and time.monotonic() >= due:
            sample()
            due = time.monotonic() + interval
        server.turn(due - time.monotonic())
    server.finish()
    termination.exit()


class _Server:
    """All addresses of the process."""

    def __init__(self, services: Sequence[Service], termination: Termination) -> None:
        self._services = {each.listener.fileno(): each for each in services}
        self._termination = termination
        self._wakeup, self._wakeup_end = os.pipe()
        for end in (self._wakeup, self._wakeup_end):
            os.set_blocking(end, False)
        self._no_client, self._any_client = select.poll(), select.poll()
        for poll in (self._no_client, self._any_client):
            poll.register(self._wakeup, select.POLLIN)
        for fd in self._services:
            self._any_client.register(fd, select.POLLIN)

    def take_signals(self) -> None:
        """TERM ends the wait, whichever thread takes it."""
        signal.set_wakeup_fd(self._wakeup_end, warn_on_full_buffer=False)
        set_signal(signal.SIGTERM, _do_nothing)

    def turn(self, seconds: float) -> None:
        """Wait for at most that long, and serve those that have come."""
        is_full = self._connections() >= _CLIENTS
        for fd in self._wait(self._no_client if is_full else self._any_client, seconds):
            self._accept(self._services[fd])

    def finish(self) -> None:
        """Answer those that are connected, and accept no others."""
        if self._termination.ends_server:
            for service in self._services.values():
                service.listener.remove()
        for service in self._services.values():
            service.is_draining = True
        began = time.monotonic()
        while self._connections() and time.monotonic() < began + _END_TIME:
            if time.monotonic() >= began + _IDLE_TIME:
                for service in self._services.values():
                    service.end_idle()
            self._wait(self._no_client, _PAUSE)

    def _connections(self) -> int:
        return sum(len(each.connections) for each in self._services.values())

    def _wait(self, poll: select.poll, seconds: float) -> list[int]:
        """The listeners that have a client."""
        seconds = min(seconds, self._termination.pause)
        events = poll.poll(None if seconds == inf else max(0.0, seconds) * 1000)
        found = [fd for fd, _ in events]
        if self._wakeup in found:
            found.remove(self._wakeup)
            if signal.SIGTERM in read(self._wakeup, 4096):
                self._termination.on_sigterm()
        return found

    def _accept(self, service: Service) -> None:
        try:
            accepted = service.listener.accept()
        except OSError:  # no descriptor is free
            time.sleep(_PAUSE)
            return
        if accepted is not None:
            connection = socket.socket(fileno=accepted[0])
            service.connections[connection] = False
            thread = threading.Thread(target=self._serve, args=(service, connection), daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread is to be had
                del service.connections[connection]
                connection.close()

    def _serve(self, service: Service, connection: socket.socket) -> None:
        try:
            connection.settimeout(_CLIENT_TIME)
            with contextlib.suppress(OSError), connection:
                service.handler(connection, "", service)  # type: ignore[arg-type]  # it is no socketserver
        finally:
            del service.connections[connection]
            with contextlib.suppress(BlockingIOError):  # full: the wait ends in any case
                write(self._wakeup_end, b"\0")


class Service:
    """What is served at one address; a subclass has what its handler needs."""

    handler: ClassVar[type[Handler]]
    """What is made of each connection."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.connections: dict[socket.socket, bool] = {}
        """Those that are open, and whether a request is in hand."""
        self.is_draining = False
        """Whether each response is the last one of its connection."""

    def end_idle(self) -> None:
        """End the connections that bring no request; what has come already is still read."""
        for connection, is_busy in list(self.connections.items()):
            if not is_busy:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass has the methods ``do_GET`` and so on."""

    server: Service  # type: ignore[assignment]  # a service has what is used here
    protocol_version = "HTTP/1.1"
    timeout = _CLIENT_TIME
    wbufsize = 1 << 16
    """Head and body in one call: the client is not woken between the two."""
    server_version, sys_version = "hookserve", ""
    fields: Sequence[tuple[str, str]] = (("Cache-Control", "no-store"),)
    """Of each response."""

    def handle_one_request(self) -> None:
        """As the standard library; then the connection is idle."""
        super().handle_one_request()
        self.server.connections[self.connection] = False

    def parse_request(self) -> bool:
        """As the standard library; the first line has come."""
        self.server.connections[self.connection] = True
        return super().parse_request()

    def send_content(self, status: int, content_type: str, body: bytes) -> None:
        """Send a response; to HEAD its head."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.fields:
            self.send_header(name, value)
        if self.server.is_draining:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""


def _do_nothing(*_: object) -> None:
    """A handler in Python there must be, or the wake-up descriptor stays silent."""
