"""The daemon's address, and datagrams to it that never wait and never fail the server."""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Iterable
from typing import Any

_DEFAULT_PORT = 8125


def parse(text: str) -> str | tuple[str, int]:
    """The path of ``unix://PATH`` or ``unix:PATH``, or host and port; raises ValueError."""
    if text.startswith("unix:") and not re.fullmatch(r"unix:\d+", text):
        path = text.removeprefix("unix:").removeprefix("//")
        if path:
            return path
    else:
        bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?", text)
        plain = re.fullmatch(r"([^:/\[\]\s]+)(?::(\d+))?", text)
        if found := bracketed or plain:
            port = int(found[2] or _DEFAULT_PORT)
            if 0 < port < 65536:
                return found[1], port
    raise ValueError("expected host:port or unix://PATH")


class Sender:
    """Sends datagrams to one address; used in the arbiter, closed in workers."""

    def __init__(self, text: str) -> None:
        """Resolves a name, which may wait for its server; one that cannot be resolved is a line in
        the log, and nothing is sent."""
        self._text = text
        self._log = logging.getLogger("hookserve")
        self._socket: socket.socket | None = None
        self._is_failing = False
        self._successes = 0
        """How many times in a row sending has succeeded since it failed."""
        self._family, self._address = self._resolve(parse(text))

    def _resolve(self, found: str | tuple[str, int]) -> tuple[int, Any]:  # Any: as `socket`
        if isinstance(found, str):
            return socket.AF_UNIX, found
        try:
            info = socket.getaddrinfo(*found, type=socket.SOCK_DGRAM)[0]
        except OSError as error:
            self._log.warning(
                "statsd_host: cannot resolve %s: %s (no metrics are sent until a reload)",
                found[0],
                (error.strerror or str(error)).lower(),
            )
            return 0, None
        return info[0], info[4]

    def send(self, datagrams: Iterable[bytes]) -> None:
        """Send them, or drop them."""
        if self._address is None:
            return
        problem = None
        for datagram in datagrams:
            problem = self._send(datagram) or problem
        if problem is not None and not self._is_failing:
            self._log.warning(
                "no metrics can be sent to %s: %s (they are dropped until it listens)",
                self._text,
                (problem.strerror or str(problem)).lower(),
            )
        if problem is not None:
            self._is_failing, self._successes = True, 0
        elif self._is_failing:
            self._successes += 1
            # The error of a datagram of UDP is that of the one before.
            if self._successes > 1 or self._family == socket.AF_UNIX:
                self._is_failing = False
                self._log.info("metrics are sent to %s again", self._text)

    def _send(self, datagram: bytes) -> OSError | None:
        try:
            if self._socket is None:
                self._socket = socket.socket(self._family, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
                self._socket.connect(self._address)
            self._socket.send(datagram)
        except BlockingIOError:
            return None  # the daemon is slow: a later datagram counts on
        except OSError as error:
            # Of UDP it is about the datagram before, and of a unix socket there may be a new one.
            self.close()
            return error
        return None

    def close(self) -> None:
        """Close the socket in this process."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
