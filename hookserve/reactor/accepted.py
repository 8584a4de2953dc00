"""One accepted socket, and what a worker waits for from its client."""

from __future__ import annotations

import _socket
from time import thread_time

from hookserve.protocol.seam import IDLE, Connection
from hookserve.reactor.outbox import Outbox
from hookserve.reactor.poller import FOR_EVER, is_readable
from hookserve.system.calls import write

_SMALLEST_PIECE, _LARGEST_PIECE = 4096, 65536
_LONG = 0.0005
"""Seconds of processor time that one piece may take."""

HEAD, KEPT, BODY, WRITING, LINGERING, SERVED = range(6)
"""What a connection waits for: its head, its next request, the rest of its body, room for its
response, its client's end; or nothing, because an exchange is to run."""


class Accepted:
    """One accepted socket, as its worker holds it."""

    __slots__ = ("connection", "deadline", "fd", "is_heavy", "is_new", "is_registered", "outbox",
                 "piece", "state_after", "unread", "wait")  # fmt: skip

    def __init__(self, fd: int, connection: Connection) -> None:
        self.fd = fd
        self.connection = connection
        self.wait = SERVED
        self.deadline = FOR_EVER
        """When the wait is over, in seconds of the monotonic clock."""
        self.is_new = True
        """Whether no exchange has run yet."""
        self.is_heavy = False
        """Whether what it sends takes long, as thousands of tiny chunks do: then it is read from in
        small pieces, one a turn."""
        self.piece = _SMALLEST_PIECE
        """Bytes that are read at once."""
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

    def takes_long(self, began: float) -> bool:
        """Whether others must have their turn, after a whole piece was read and fed that began at
        that processor time of the thread (0: not measured); the next piece is larger if not."""
        if began and thread_time() - began > _LONG:
            self.is_heavy, self.piece = True, _SMALLEST_PIECE
        elif not self.is_heavy and self.piece < _LARGEST_PIECE:
            self.piece *= 2
        return self.is_heavy

    def has_spoken(self) -> bool:
        """Whether something waits to be read, the client's end included."""
        return is_readable(self.fd)

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
