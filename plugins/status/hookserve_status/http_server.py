"""A small HTTP server for an auxiliary process: few clients, each within a time.

The main thread accepts, reads, writes and makes the responses, but for those that wait for another
process: each of these has a thread.  Nothing wakes the process while nothing is asked.  Each
address has room of its own: where there is none, the connection that has been idle longest gives
way, or else the slowest.  TERM ends the process once it has answered those that are connected:
clients that come then wait in the accept queue, which the process that follows has too.
"""

from __future__ import annotations

import select
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from math import inf
from typing import TYPE_CHECKING, ClassVar

from hookserve.system.calls import make_poll, set_signal
from hookserve.worker.wakeup import Wakeup
from hookserve_status.http_connection import Connection, Phase

if TYPE_CHECKING:
    import socket

    from hookserve.listeners.listener import Listener
    from hookserve.worker.termination import Termination

_ROOM = 16
"""Connections at once at one address."""
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
        self._services = services
        self._termination = termination
        self._is_finishing = False
        self._wakeup = Wakeup()

    def take_signals(self) -> None:
        """TERM ends the wait, whichever thread takes it."""
        self._wakeup.listen()
        set_signal(signal.SIGTERM, self._termination.on_sigterm)

    def turn(self, seconds: float) -> None:
        """Wait for at most that long, and do what is due."""
        ready = self._wait(seconds)
        # First, so that no client that has sent something gives way to a new one.
        for each in self._connections():
            if each.socket.fileno() in ready:
                each.on_ready()
        for service in self._services:
            if service.listener.fileno() in ready and service.has_room():
                self._accept(service)
        now = time.monotonic()
        for each in self._connections():
            if each.deadline <= now:
                each.close()

    def finish(self) -> None:
        """Answer those that are connected, and accept no others."""
        self._is_finishing = True
        for service in self._services:
            if self._termination.ends_server:
                service.listener.remove()
            service.is_draining = True
        began = time.monotonic()
        while self._connections() and time.monotonic() < began + _END_TIME:
            if time.monotonic() >= began + _IDLE_TIME:
                for each in self._connections():
                    each.on_ready()
                    if each.is_silent:
                        each.close()
            self.turn(_PAUSE)
        for each in self._connections():
            each.close()

    def _connections(self) -> list[Connection]:
        return [each for service in self._services for each in service.connections]

    def _wait(self, seconds: float) -> set[int]:
        """The descriptors that are ready."""
        due = min((each.deadline for each in self._connections()), default=inf) - time.monotonic()
        seconds = min(seconds, due, self._termination.pause)
        # Made anew: there are few, and each changes its phase at every turn.
        poll = make_poll()
        poll.register(self._wakeup.fileno(), select.POLLIN)
        for each in self._connections():
            if each.phase is not Phase.ANSWERING:
                is_sending = each.phase is Phase.SENDING
                poll.register(each.socket, select.POLLOUT if is_sending else select.POLLIN)
        for service in self._services:
            if not self._is_finishing and service.has_room():
                poll.register(service.listener.fileno(), select.POLLIN)
        ready = {fd for fd, _ in poll.poll(None if seconds == inf else max(0.0, seconds) * 1000)}
        if self._wakeup.fileno() in ready:
            self._wakeup.clear()
        return ready

    def _accept(self, service: Service) -> None:
        try:
            accepted = service.listener.accept()
        except OSError:  # no descriptor is free
            if not _evict_one(self._connections()):
                time.sleep(_PAUSE)
            return
        if accepted is not None:
            if len(service.connections) >= _ROOM:
                _evict_one(service.connections)
            made = Connection(accepted[0], service, self._wakeup.notify)
            service.connections.add(made)
            made.on_ready()


def _evict_one(connections: Iterable[Connection]) -> bool:
    """Close one for which no thread makes a response; returns whether there was one."""
    found = [each for each in connections if each.phase is not Phase.ANSWERING]
    if found:
        min(found, key=lambda each: (each.phase, each.deadline)).close()
    return bool(found)


class Service:
    """What is served at one address; a subclass has what its handler needs."""

    handler: ClassVar[type[Handler]]
    """It makes the response to each request."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.connections: set[Connection] = set()
        self.is_draining = False
        """Whether each response is the last one of its connection."""

    def has_room(self) -> bool:
        """Whether one more client is accepted: one of those that are there may give way."""
        in_hand = [each for each in self.connections if each.phase is Phase.ANSWERING]
        return len(in_hand) < _ROOM


class Handler(BaseHTTPRequestHandler):
    """One request, which is complete; a subclass has the methods ``do_GET`` and so on."""

    server: Service  # type: ignore[assignment]  # a service has what is used here
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "hookserve", ""
    fields: Sequence[tuple[str, str]] = (("Cache-Control", "no-store"),)
    """Of each response."""
    waiting_methods: ClassVar[frozenset[bytes]] = frozenset()
    """Those whose responses wait for another process."""

    def __init__(self, request: bytes, connection: socket.socket, service: Service) -> None:
        """As the standard library's, but it neither reads nor writes the connection."""
        self.server, self.connection = service, connection
        self.rfile = BytesIO(request)
        self.wfile = self._written = BytesIO()
        self.close_connection = True
        self.handle_one_request()
        if "Transfer-Encoding" in getattr(self, "headers", ()):
            self.close_connection = True  # a body that has not been read as one

    @property
    def response(self) -> bytes:
        """What is to be sent."""
        return self._written.getvalue()

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
