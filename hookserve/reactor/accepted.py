"""One accepted socket, and what a worker waits for from its client."""

from __future__ import annotations

import math

from hookserve.net.outbox import Outbox
from hookserve.protocol import IDLE, Connection

FOR_EVER = math.inf

HEAD, KEPT, BODY, WRITING, LINGERING, SERVED = range(6)
"""What a connection waits for: its head, its next request, the rest of its body, room for its
response, its client's end; or nothing, because an exchange is to run."""


class Accepted:
    """One accepted socket, as its worker holds it."""

    __slots__ = ("connection", "deadline", "fd", "is_new", "is_registered", "outbox",
                 "state_after", "unread", "wait")  # fmt: skip

    def __init__(self, fd: int, connection: Connection) -> None:
        self.fd = fd
        self.connection = connection
        self.wait = SERVED
        self.deadline = FOR_EVER
        """When the wait is over, in seconds of the monotonic clock."""
        self.is_new = True
        """Whether no exchange has run yet."""
        self.is_registered = False
        self.unread = False
        """Whether there may be something to read of which no event will tell."""
        self.outbox: Outbox | None = None
        self.state_after = IDLE
        """The connection's state once the outbox is empty."""
