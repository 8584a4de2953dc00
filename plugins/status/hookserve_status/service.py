"""The auxiliary process: serves the status over HTTP, and nothing else.

Nothing wakes it while nothing is asked, but for one sample of the counters every ten seconds.
"""

from __future__ import annotations

import json
import re
import socket
import struct
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from hookserve_status import forms, http_server
from hookserve_status.address import is_loopback
from hookserve_status.control import Client, ControlError
from hookserve_status.samples import INTERVAL
from hookserve_status.stacks import read_stacks

if TYPE_CHECKING:
    from hookserve.listeners.listener import Listener
    from hookserve.worker.termination import Termination
    from hookserve_status.snapshot import Source

_CREDENTIALS = struct.Struct("3i")
_VERBS = {"reload": "", "drain": "", "scale": "N", "recycle": "INDEX", "stacks": "INDEX"}
"""The commands, and what the value of each is; most are about one number."""
_NUMBER = re.compile("-?[0-9]{1,9}")


def serve(
    listeners: Sequence[Listener], source: Source, client: Client, termination: Termination
) -> None:
    """Serve until told to end."""
    make_service = partial(Service, source, client)
    http_server.serve(listeners, make_service, termination, source.sample, INTERVAL)


class Handler(http_server.Handler):
    """One request."""

    server: Service
    fields = forms.HEADERS
    waiting_methods = frozenset([b"POST"])  # for the arbiter

    def do_GET(self) -> None:
        """Show something."""
        if not self._is_allowed():
            return
        url = urlsplit(self.path)
        path = url.path
        if path in forms.FILES:
            self.send_content(200, *forms.read_file(path))
        elif path == "/":
            form = forms.negotiate(self.headers.get("Accept", "*/*"))
            self.send_content(200, *forms.render(form, self.server.source, url.query))
        elif path == "/metrics":
            self.send_content(200, *forms.render("metrics", self.server.source))
        else:
            self._send_error(404, "there is nothing here (try /)")

    do_HEAD = do_GET

    def do_POST(self) -> None:
        """Do something."""
        if not self._is_allowed():
            return
        url = urlsplit(self.path)
        verb = url.path.strip("/")
        if not self.server.takes_commands:
            self._send_error(403, "commands are taken at a unix socket alone (status = unix:PATH)")
        elif "Origin" in self.headers:  # a browser adds it to each POST
            self._send_error(403, "no page gives commands (hookserve ctl does)")
        elif verb not in _VERBS:
            self._send_error(404, f"there is no command '{verb}' ({', '.join(_VERBS)})")
        else:
            try:
                value = _value(verb, url.query)
                self.send_content(200, forms.JSON, _encode(self._do(verb, value)))
            except ControlError as error:
                self._send_error(error.status, str(error))

    def _do(self, verb: str, value: int) -> dict[str, Any]:  # Any: JSON
        by = _asker(self.connection)
        reply, descriptor = self.server.client.ask(verb, value, by, self.connection)
        if descriptor >= 0:
            reply["stacks"] = read_stacks(descriptor)
        return reply

    def _is_allowed(self) -> bool:
        """A page of another site may send its reader's browser here, under its own name (DNS
        rebinding): so the status answers under the names of this machine only.  At a unix socket a
        name without a dot will do, and a browser comes by a tunnel."""
        host = self.headers.get("Host", "")
        try:
            name, _ = urlsplit(f"//{host}").hostname or "", urlsplit(self.path)
        except ValueError as error:
            self._send_error(400, str(error))
            return False
        if is_loopback(name) or (self.server.takes_commands and "." not in name):
            return True
        self._send_error(403, "this address is 127.0.0.1 or localhost, and no other name")
        return False

    def _send_error(self, status: int, text: str) -> None:
        self.send_content(status, forms.JSON, _encode({"error": text}))


def _value(verb: str, query: str) -> int:
    """What a command is about, 0 for one that is about no number; raises ControlError."""
    if not _VERBS[verb]:
        return 0
    found = parse_qs(query, keep_blank_values=True).get("value", [])
    if len(found) != 1 or not _NUMBER.fullmatch(found[0]):
        raise ControlError(f"expected one whole number: POST /{verb}?value={_VERBS[verb]}", 400)
    return int(found[0])


def _asker(connection: socket.socket) -> str:
    """Who is at the other end of a unix socket, as the kernel says (unix(7))."""
    if not hasattr(socket, "SO_PEERCRED"):
        return "ctl"
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, user, _ = _CREDENTIALS.unpack(data)
    return f"ctl (pid {pid}, uid {user})"


def _encode(value: object) -> bytes:
    return json.dumps(value, indent=2).encode() + b"\n"


class Service(http_server.Service):
    """One address."""

    handler = Handler

    def __init__(self, source: Source, client: Client, listener: Listener) -> None:
        super().__init__(listener)
        self.source, self.client = source, client
        self.takes_commands = not listener.is_tcp
