"""The service manager at the other end of ``$NOTIFY_SOCKET``; sd_notify(3) without its library."""

from __future__ import annotations

import logging
import os
import socket
from collections import deque
from collections.abc import Mapping
from contextlib import closing

from hookserve.system.calls import Socket

_KEPT = 16


class ServiceManager:
    """Takes messages; what cannot be delivered never fails the server, and never holds it up.

    A socket lives for one message: the next worker to be forked must not inherit one.
    """

    def __init__(self, address: str) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._waiting: deque[bytes] = deque(maxlen=_KEPT)
        self._is_broken = False
        """Whether an error was logged already."""

    def notify(self, *lines: str) -> None:
        """Say something that must arrive: it is tried again when the manager is busy."""
        self._waiting.append("\n".join(lines).encode(errors="replace"))
        self.try_again()

    def notify_once(self, line: str) -> bool:
        """Send what the next message of its kind replaces; returns whether it was sent."""
        return self.try_again() and self._send(line.encode(errors="replace"))

    def try_again(self) -> bool:
        """Send what waits; whether nothing waits any more."""
        while self._waiting and self._send(self._waiting[0]):
            self._waiting.popleft()
        return not self._waiting

    def _send(self, message: bytes) -> bool:
        """Whether the message is done with: delivered, or undeliverable for good."""
        try:
            with closing(Socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sender:
                sender.setblocking(False)
                sender.sendto(message, self._address)
        except BlockingIOError:
            return False
        except OSError as error:
            if not self._is_broken:
                logging.getLogger("hookserve").error(
                    "cannot notify the service manager: %s (NOTIFY_SOCKET is %r)",
                    (error.strerror or str(error)).lower(),
                    self._address.replace("\0", "@"),
                )
            self._is_broken = True
        return True


def watchdog_interval(environ: Mapping[str, str]) -> float:
    """How often the manager wants a sign of life, in seconds; 0: never, or not from us.

    That is half of what it would put up with, as sd_watchdog_enabled(3) advises.
    """
    allowed = environ.get("WATCHDOG_USEC", "")
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()) or not allowed.isdigit():
        return 0.0
    return int(allowed) / 2_000_000
