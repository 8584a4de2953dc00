"""Connections that an exchange has taken over (`hookserve.protocol.seam.Transport.take_over`).

The poller watches such a descriptor no more, and its deadlines are the application's.  It stays one
of the open connections of its worker until the exchange has run, and its socket is closed or
`linger_timeout` has passed: a thread beside the exchange may have something left to send or to
read.  Then it is half-closed and drained, as any that lingers.  At last it is shut down, so that a
thread that still reads from it sees the end.

The application has a duplicate of the descriptor: it may close that at any time, and the number of
the worker's own is not given to another connection meanwhile.
"""

from __future__ import annotations

import _socket
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hookserve.protocol.seam import CLOSING, SUSPENDED, Connection, Transport

if TYPE_CHECKING:
    from hookserve.protocol.lent import LentSocket
    from hookserve.reactor.accepted import Accepted
    from hookserve.reactor.poller import Poller

_CUT_TIME = 1.0

OnLeave = Callable[[], object]


class TakenConnection(Connection):
    """Stands in for the protocol's side of a connection that has been taken over."""

    __slots__ = ("_on_leave", "_taken", "fd", "is_ended", "is_released")

    def __init__(
        self, fd: int, on_leave: OnLeave | None, taken: dict[int, TakenConnection]
    ) -> None:
        self.state = SUSPENDED  # the driver calls `disconnected` as it closes
        self.lingers = True
        self.is_released = False
        """Whether the application has closed its socket; any thread sets it."""
        self.is_ended = False
        """Whether it is half-closed, its exchange being over."""
        self.fd = fd
        self._on_leave = on_leave
        self._taken = taken

    def feed(self, data: bytes) -> int:
        """Nothing is fed: what arrives is read by the application, or dropped after it."""
        return self.state

    def run(self, transport: Transport) -> int:
        """Nothing is run."""
        return CLOSING

    def expire(self) -> int:
        """No deadline of a protocol applies."""
        return CLOSING

    def leave(self) -> int:
        """As `Connection.leave`: the application is told, once."""
        on_leave, self._on_leave = self._on_leave, None
        if on_leave is not None:
            on_leave()
        return self.state

    def cut(self) -> None:
        """End it in both directions: what reads sees the end, and writing fails."""
        self.lingers = False
        self._shut_down()

    def disconnected(self) -> None:
        """As `Connection.disconnected`."""
        self._taken.pop(self.fd, None)
        self._shut_down()

    def _shut_down(self) -> None:
        connected = _socket.socket(fileno=self.fd)
        try:
            connected.shutdown(_socket.SHUT_RDWR)
        except OSError:  # the client is gone
            pass
        finally:
            connected.detach()


class Takeovers:
    """The connections of one worker that have been taken over; `len` is how many there are."""

    def __init__(
        self,
        connections: dict[int, Accepted],
        poller: Poller,
        handle_pending: Callable[[int], None],
    ) -> None:
        self._open = connections
        self._poller = poller
        self._handle_pending = handle_pending
        self._taken: dict[int, TakenConnection] = {}
        self._drained_since: float | None = None

    def __len__(self) -> int:
        return len(self._taken)

    def hand_over(self, fd: int, received: bytes, on_leave: OnLeave | None) -> LentSocket:
        """As `Transport.take_over`, for the connection of that descriptor.

        Called in the thread or greenlet that runs its exchange; raises OSError when there is no
        descriptor for a duplicate.
        """
        accepted = self._open[fd]
        own = os.dup(fd)
        try:
            received += accepted.connection.release()
            lent = _make_socket(own, received)
            if accepted.is_registered:
                self._poller.unregister(fd)
        except BaseException:
            os.close(own)
            raise
        taken = TakenConnection(fd, on_leave, self._taken)
        accepted.is_registered = True  # to wait for the application, not for events
        accepted.connection = self._taken[fd] = taken
        lent.on_close = partial(self._release, accepted, taken)
        if self._drained_since is not None:  # read after the table is written, as `drain` does not
            taken.leave()
        return lent

    def _release(self, accepted: Accepted, taken: TakenConnection, is_closed: bool) -> None:
        """The application has closed or dropped its socket.

        In any thread.  After a close the connection goes on from here, if its exchange has run; an
        object may be dropped by the garbage collector, in the middle of anything.
        """
        taken.is_released = True
        accepted.has_pending_event = True
        if is_closed and self._taken.get(taken.fd) is taken:
            self._handle_pending(taken.fd)

    def drain(self, now: float, deadline: float) -> None:
        """The worker stops: tell the applications, and end what is left a moment before `deadline`,
        so that their exchanges end in time.  Called again and again, with seconds of the monotonic
        clock."""
        if self._drained_since is None:
            self._drained_since = now
            for taken in list(self._taken.values()):
                taken.leave()
        if now >= deadline - min(_CUT_TIME, (deadline - self._drained_since) / 2):
            for taken in list(self._taken.values()):
                taken.cut()


def _make_socket(fd: int, received: bytes) -> LentSocket:
    """A blocking socket of the kind that the model's library has put in place, if it has."""
    # Not before it is needed: `hookserve.system.calls` says what it costs.
    from hookserve.protocol.lent import LentSocket

    found = _socket.socket(fileno=fd)
    kind = found.family, found.type, found.proto
    found.detach()
    made = LentSocket(*kind, fileno=fd)
    made.put_back(received)
    made.setblocking(True)
    return made
