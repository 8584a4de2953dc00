"""Responses that are held until the end of a turn, and go out together.

Each write to a client that sleeps wakes it, and to wake a process on another processor costs the
worker as much as a third of a quick request.  A proxy, or any client with many connections, has
requests in most turns whose events come together; when their responses go out together, it is
woken once.

Held is what an exchange has sent by `Transport.send_last`: the last bytes of a response, after
which its connection waits for the next request.  What is large, what is streamed, and what ends its
connection goes out at once, and so does everything that is sent outside a turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.reactor.driver import Driver
from hookserve.reactor.outbox import Outbox
from hookserve.reactor.suspension import SuspendingDriver
from hookserve.reactor.transport import MEMORY, LoopTransport
from hookserve.system.calls import write

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted

_exchange = Driver.exchange
_LARGEST = 16384
"""Up to this many bytes a response is held."""
_LONGEST = 0.0005
"""How long the exchanges that run meanwhile may take, in seconds."""
_MOST = 64
"""Responses that are held at a time."""


class HoldingTransport(LoopTransport):
    """Holds the end of a response, where the driver lets it."""

    __slots__ = ("held", "may_hold")

    held: bytes | None
    """What is to go out at the end of the turn."""
    may_hold: bool
    """Whether there is one."""

    def send(self, *buffers: bytes) -> None:
        """As `SocketTransport.send`, behind what is held."""
        held, self.held = self.held, None
        super().send(*buffers if held is None else (held, *buffers))

    def send_last(self, data: bytes) -> None:
        """As `Transport.send_last`."""
        if self.may_hold and self.outbox is None and len(data) <= _LARGEST:
            self.held = data
        else:
            self.send(data)


class HoldingDriver(SuspendingDriver):
    """What a `Reactor` does with responses that are held."""

    _holds = False
    """Whether a turn is going on at whose end they are sent."""
    _held_since = 0.0
    """When the first of them was held."""

    def hold_responses(self) -> None:
        """Have the responses of each `turn_holding` go out at its end, for a model whose exchanges
        wait for nothing, with a `HoldingTransport` for each; decided once, before the first
        connection."""
        self._held: list[tuple[Accepted, bytes]] = []
        self.exchange = self.exchange_holding  # type: ignore[assignment]  # for good

    def exchange_holding(self, accepted: Accepted, transport: HoldingTransport) -> None:
        """As `Driver.exchange`."""
        transport.outbox, accepted.outbox = accepted.outbox, None
        # After more input, or its end, the connection may be closed within this call.
        transport.may_hold = self._holds and not (accepted.unread or accepted.has_pending_event)
        transport.held = None
        _exchange(self, accepted, transport)
        data = transport.held
        if data is not None:
            held = self._held
            if not held:
                self._held_since = accepted.since
            held.append((accepted, data))
            if accepted.since - self._held_since > _LONGEST or len(held) >= _MOST:
                self.send_held()

    def send_held(self) -> None:
        """Send what is held."""
        held, self._held = self._held, []
        for accepted, data in held:
            if self._waiting.get(accepted.fd) is not accepted:
                continue  # its exchange has failed after the response
            try:
                sent = write(accepted.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                if self._take(accepted):
                    self._drop(accepted)
                continue
            if sent < len(data) and self._take(accepted):
                accepted.outbox = Outbox(MEMORY, self.worker.spool)
                accepted.outbox.add(memoryview(data)[sent:])
                self._write_later(accepted, accepted.connection.state)

    def evict(self, accepted: Accepted) -> None:
        """As `Driver.evict`: a connection whose response is held has been idle for no time."""
        if self._holds:
            self.send_held()
        super().evict(accepted)
