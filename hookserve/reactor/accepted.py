"""One accepted socket, and what a worker waits for from its client."""

from __future__ import annotations

import _socket
import math
import select

from hookserve.net.outbox import Outbox
from hookserve.protocol import IDLE, Connection
from hookserve.system import make_poll, write

FOR_EVER = math.inf

HEAD, KEPT, BODY, WRITING, LINGERING, SERVED = range(6)
"""What a connection waits for: its head, its next request, the rest of its body, room for its
response, its client's end; or nothing, because an exchange is to run."""


class Accepted:
    """One accepted socket, as its worker holds it."""

    __slots__ = ("connection", "deadline", "fd", "is_heavy", "is_new", "is_registered", "outbox",
                 "state_after", "unread", "wait")  # fmt: skip

    def __init__(self, fd: int, connection: Connection) -> None:
        self.fd = fd
        self.connection = connection
        self.wait = SERVED
        self.deadline = FOR_EVER
        """When the wait is over, in seconds of the monotonic clock."""
        self.is_new = True
        """Whether no exchange has run yet."""
        self.is_heavy = False
        """Whether its pieces take so long to read, as thousands of tiny chunks do, that it is read
        from in small ones, one a turn."""
        self.is_registered = False
        self.unread = False
        """Whether there may be something to read of which no event will tell."""
        self.outbox: Outbox | None = None
        self.state_after = IDLE
        """The connection's state once the outbox is empty."""

    def send_interim(self) -> None:
        """Send what the protocol wants to say while the body is awaited."""
        interim = self.connection.interim()
        if interim:
            try:
                write(self.fd, interim)
            except OSError:  # what follows will notice
                pass

    def has_spoken(self) -> bool:
        """Whether something waits to be read, the client's end included."""
        poll = make_poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(0))

    def half_close(self) -> bool:
        """Send no more, and let the client finish; false when it has gone already."""
        # A socket of the C class, which no model patches.
        connected = _socket.socket(fileno=self.fd)
        try:
            connected.shutdown(_socket.SHUT_WR)
        except OSError:
            return False
        finally:
            connected.detach()
        return True
