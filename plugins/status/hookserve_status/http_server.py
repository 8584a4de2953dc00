"""A small HTTP server for an auxiliary process: few clients, each within a time.

One thread for each connection; nothing wakes the process while nothing is asked.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, ClassVar, NoReturn

if TYPE_CHECKING:
    from hookserve.listeners.listeners import Listener
    from hookserve.worker.reading import Reader

_CLIENTS = 16
"""Connections at once."""
_CLIENT_TIME = 10.0
"""Seconds that a client has for its request, and between two."""
_PAUSE = 0.05


def serve(
    listeners: Sequence[Listener],
    make_service: Callable[[Listener], Service],
    reader: Reader,
    wait: Callable[[], object],
) -> NoReturn:
    """Serve there, and call `wait` again and again, until told to end."""
    slots = threading.BoundedSemaphore(_CLIENTS)
    _end_with_server(listeners, reader)
    # TERM that another thread takes would not end the wait of this one, which runs the handler.
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    for listener in listeners:
        listener.socket.setblocking(True)
        accept_all = make_service(listener).accept_all
        threading.Thread(target=accept_all, args=(slots,), name=str(listener.address)).start()
    signal.pthread_sigmask(signal.SIG_SETMASK, previous)
    while True:
        wait()


def _end_with_server(listeners: Sequence[Listener], reader: Reader) -> None:
    """TERM ends this process; when the whole server stops, not before its last worker is gone.

    After a reload another process goes on with the same sockets.
    """

    def end(*_: object) -> NoReturn:
        with contextlib.suppress(Exception):
            while (reading := reader.read()).is_stopping:
                if not reading.workers:
                    for listener in listeners:
                        listener.remove()
                    break
                time.sleep(_PAUSE)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)


class Service:
    """What is served at one address; a subclass has what its handler needs."""

    handler: ClassVar[type[Handler]]
    """What is made of each connection."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def accept_all(self, slots: threading.BoundedSemaphore) -> NoReturn:
        """Serve each connection in a thread, within the `slots` of all addresses."""
        while True:
            slots.acquire()
            try:
                accepted = self._listener.accept()
            except OSError:  # no descriptor is free
                accepted = None
                time.sleep(_PAUSE)
            if accepted is None:
                slots.release()
                continue
            connection = socket.socket(fileno=accepted[0])
            threading.Thread(target=self._serve, args=(connection, slots), daemon=True).start()

    def _serve(self, connection: socket.socket, slots: threading.BoundedSemaphore) -> None:
        try:
            connection.settimeout(_CLIENT_TIME)
            with contextlib.suppress(OSError), connection:
                self.handler(connection, "", self)  # type: ignore[arg-type]  # it is no socketserver
        finally:
            slots.release()


class Handler(BaseHTTPRequestHandler):
    """One connection; a subclass has the methods ``do_GET`` and so on."""

    protocol_version = "HTTP/1.1"
    timeout = _CLIENT_TIME
    wbufsize = 1 << 16
    """Head and body in one call: the client is not woken between the two."""
    server_version, sys_version = "hookserve", ""
    fields: Sequence[tuple[str, str]] = (("Cache-Control", "no-store"),)
    """Of each response."""

    def send_content(self, status: int, content_type: str, body: bytes) -> None:
        """Send a response; to HEAD its head."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in self.fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write no log."""
