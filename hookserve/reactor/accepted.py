"""One accepted socket, as its worker holds it."""

from __future__ import annotations

import _socket
from time import thread_time

from hookserve.protocol.seam import Connection
from hookserve.reactor.outbox import Outbox
from hookserve.reactor.phases import ACCEPTED
from hookserve.reactor.poller import is_readable
from hookserve.reactor.takeover import TakenConnection
from hookserve.system.calls import write

_SLOW_READ, _SMALLEST_READ, _LARGEST_READ = 1024, 4096, 65536
"""Bytes that are read at once."""
_TIME_BUDGET = 0.0005
"""Seconds of processor time that reading and feeding one piece may take."""


class Accepted:
    """One accepted socket: its descriptor, its protocol's side, and its phase.

    Belongs to one thread at a time: to whichever has taken it out of `Connections.waiting`.
    """

    __slots__ = (
        "body_began",
        "body_received",
        "connection",
        "deadline",
        "fd",
        "has_pending_event",
        "is_registered",
        "is_slow_input",
        "outbox",
        "phase",
        "read_size",
        "since",
        "state_after",
        "unread",
    )

    # Not set before they mean something: a connection that is served at once never sets them.
    since: float
    """When the wait began, in seconds of the monotonic clock; set with `deadline` by a wait."""
    deadline: float
    """When the wait is over, in seconds of the monotonic clock."""
    body_began: float
    """When the wait for the rest of a body began, in seconds of the monotonic clock."""
    state_after: int
    """The protocol's state once the outbox is empty; set with the outbox."""

    def __init__(self, fd: int, connection: Connection) -> None:
        self.fd = fd
        self.connection = connection
        self.phase: int = ACCEPTED
        """One of `hookserve.reactor.phases`."""
        self.is_slow_input = False
        """Whether what it sends is slow to parse, as thousands of tiny chunks do: then it is
        read from in small pieces, one a turn."""
        self.read_size = _SMALLEST_READ
        """Bytes that are read at once."""
        self.is_registered = False
        """Whether the poller knows the descriptor, which happens once in its life."""
        self.unread = False
        """Whether there may be something to read that no event will announce."""
        self.has_pending_event = False
        """Whether an event came while a thread owned the connection; any thread sets it."""
        self.body_received = 0
        """Bytes of the body that have come since `body_began`."""
        self.outbox: Outbox | None = None

    def send_interim(self) -> bool:
        """Send what the protocol has to say while the body is awaited; false when the kernel does
        not take all of it: the rest is in `outbox` then."""
        interim = self.connection.interim()
        if not interim:
            return True
        try:
            sent = write(self.fd, interim)
        except BlockingIOError:
            sent = 0
        except OSError:  # the next read notices it
            return True
        if sent == len(interim):
            return True
        self.outbox = Outbox()
        self.outbox.add(interim[sent:])
        return False

    def measure_piece(self, began: float) -> bool:
        """A full piece was read and fed since that processor time of the thread (0: not measured):
        adapt the size of the next one.  Returns whether other connections come first now.
        """
        self.check_cost(began)
        if not self.is_slow_input and self.read_size < _LARGEST_READ:
            self.read_size *= 2
        return self.is_slow_input

    def check_cost(self, began: float) -> None:
        """Note whether what was read and fed since that processor time (0: not measured) is slow
        input."""
        if began and thread_time() - began > _TIME_BUDGET:
            self.is_slow_input, self.read_size = True, _SLOW_READ

    def is_readable(self) -> bool:
        """Whether something waits to be read, the client's end included."""
        return is_readable(self.fd)

    def may_discard(self) -> bool:
        """Whether what the client sends is to be dropped: not while an application reads it."""
        if isinstance(self.connection, TakenConnection) and not self.connection.is_ended:
            self.half_close()
            return self.connection.is_ended
        return True

    def half_close(self) -> bool:
        """Send no more, and let the client finish; false when it is gone already.

        While an application that took it over has its socket still, that is left to a later call.
        """
        if isinstance(self.connection, TakenConnection):
            if not self.connection.is_released:
                return True
            self.connection.is_ended = True
            self.is_registered = False
        # A socket of the C class, which no model patches.
        connected = _socket.socket(fileno=self.fd)
        try:
            connected.shutdown(_socket.SHUT_WR)
            connected.setblocking(False)  # an application that took it over had it blocking
        except OSError:
            return False
        finally:
            connected.detach()
        return True
