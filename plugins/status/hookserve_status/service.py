"""The auxiliary process: serves the status over HTTP, and nothing else.

One thread for each connection, few of them, each within a time; nothing wakes the process while
nothing is asked, but for one sample of the counters every ten seconds.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, urlsplit

from hookserve.errors import ListenError
from hookserve_status import forms
from hookserve_status.address import is_loopback, listen
from hookserve_status.control import Client, ControlError
from hookserve_status.samples import INTERVAL
from hookserve_status.stacks import read_stacks

if TYPE_CHECKING:
    from hookserve.listeners.address import TcpAddress, UnixAddress
    from hookserve.listeners.listeners import Listener
    from hookserve_status.snapshot import Source

_CLIENTS = 16
"""Connections at once."""
_CLIENT_TIME = 10.0
"""Seconds that a client has for its request, and between two."""
_PAUSE = 0.05
_VERBS = ("reload", "drain", "scale", "recycle", "stacks")


def serve(
    addresses: Sequence[TcpAddress | UnixAddress], source: Source, client: Client
) -> NoReturn:
    """Serve until told to end; exits with 1 where an address cannot be listened on, so that the
    arbiter starts the process again."""
    try:
        listeners = list(listen([*addresses]))
    except ListenError as error:
        what, _, _ = str(error).partition(" (")  # the remedy is for --bind
        logging.getLogger("hookserve").error("status: %s", what)
        sys.exit(1)
    slots = threading.BoundedSemaphore(_CLIENTS)
    _end_with_server(listeners, source)
    for listener in listeners:
        listener.socket.setblocking(True)
        service = Service(listener, source, client, slots)
        threading.Thread(target=service.accept_all, name=str(listener.address)).start()
    while True:
        source.sample()
        time.sleep(INTERVAL)


def _end_with_server(listeners: list[Listener], source: Source) -> None:
    """TERM ends this process; when the whole server stops, not before its last worker is gone."""

    def end(*_: object) -> NoReturn:
        with contextlib.suppress(Exception):
            while (reading := source.reader.read()).is_stopping and reading.workers:
                time.sleep(_PAUSE)
        for listener in listeners:
            with contextlib.suppress(OSError):
                listener.remove()
        os._exit(0)

    signal.signal(signal.SIGTERM, end)


class Service:
    """One address."""

    def __init__(
        self,
        listener: Listener,
        source: Source,
        client: Client,
        slots: threading.BoundedSemaphore,
    ) -> None:
        self.source, self.client = source, client
        self.takes_commands = not listener.is_tcp
        self._listener, self._slots = listener, slots

    def accept_all(self) -> NoReturn:
        """Serve each connection in a thread."""
        while True:
            self._slots.acquire()
            try:
                accepted = self._listener.accept()
            except OSError:  # no descriptor is free
                accepted = None
                time.sleep(_PAUSE)
            if accepted is None:
                self._slots.release()
                continue
            connection = socket.socket(fileno=accepted[0])
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(_CLIENT_TIME)
            with contextlib.suppress(OSError), connection:
                Handler(connection, "", self)  # type: ignore[arg-type]  # it is no socketserver
        finally:
            self._slots.release()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Service  # type: ignore[assignment]  # a service has what is used here
    protocol_version = "HTTP/1.1"
    timeout = _CLIENT_TIME
    server_version, sys_version = "hookserve", ""

    def do_GET(self) -> None:
        """Show something."""
        if not self._is_allowed():
            return
        path = urlsplit(self.path).path
        if path in forms.FILES:
            self._send(200, *forms.read_file(path))
        elif path == "/":
            form = forms.negotiate(self.headers.get("Accept", "*/*"))
            self._send(200, *forms.render(form, self.server.source))
        elif path == "/metrics":
            self._send(200, *forms.render("metrics", self.server.source))
        else:
            self._send_error(404, "there is nothing here (try /)")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Do something."""
        with contextlib.suppress(ValueError):
            self.rfile.read(min(1 << 16, int(self.headers.get("Content-Length", 0))))
        if not self._is_allowed():
            return
        url = urlsplit(self.path)
        verb = url.path.strip("/")
        if not self.server.takes_commands:
            self._send_error(403, "commands are taken at a unix socket alone (status = unix:PATH)")
        elif verb not in _VERBS:
            self._send_error(404, f"there is no command '{verb}' ({', '.join(_VERBS)})")
        else:
            try:
                value = int(parse_qs(url.query).get("value", ["0"])[0])
                self._send(200, forms.JSON, _encode(self._do(verb, value)))
            except ValueError:
                self._send_error(400, "value: expected a number")
            except ControlError as error:
                self._send_error(error.status, str(error))

    def _do(self, verb: str, value: int) -> dict[str, Any]:  # Any: JSON
        reply, descriptor = self.server.client.ask(verb, value)
        if descriptor >= 0:
            reply["stacks"] = read_stacks(descriptor)
        return reply

    def _is_allowed(self) -> bool:
        """A page of another site may send its reader's browser here, under its own name (DNS
        rebinding): a port answers under the names of this machine only."""
        host = self.headers.get("Host", "")
        name = urlsplit(f"//{host}").hostname or ""
        if self.server.takes_commands or is_loopback(name):
            return True
        self._send_error(403, "this address is 127.0.0.1 or localhost, and no other name")
        return False

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in forms.HEADERS:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send_error(self, status: int, text: str) -> None:
        self._send(status, forms.JSON, _encode({"error": text}))

    def log_message(self, *_: object) -> None:
        """Write no log."""


def _encode(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"
