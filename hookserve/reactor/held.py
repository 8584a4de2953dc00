"""Responses that are held until the end of a turn, and go out together.

Each write to a client that sleeps wakes it, and to wake a process on another processor costs the
worker as much as a third of a quick request.  A proxy, or any client with many connections, has
requests in most turns whose events come together; when their responses go out together, it is
woken once.

Held is what an exchange has sent by `Transport.send_last`: the last bytes of a response, after
which its connection waits for the next request.  What is large, what is streamed, and what ends its
connection goes out at once, and so does everything that is sent outside a turn.

A request whose response is held is over; where the worker is killed before the response is sent,
the arbiter counts it as lost, but has its name no more.

A connection whose response is held does not wait for its client yet: nothing reads from it, resumes
it, evicts it or closes it before the response is sent, and its keep-alive time begins then.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from hookserve.reactor.driver import Driver
from hookserve.reactor.outbox import Outbox
from hookserve.reactor.suspension import SuspendingDriver
from hookserve.reactor.transport import MEMORY, LoopTransport
from hookserve.system.calls import write
from hookserve.worker.cells import unseen_word, unsigned_cell

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from hookserve.reactor.accepted import Accepted
    from hookserve.worker.base import Worker

_exchange = Driver.exchange
_LARGEST = 16384
"""Up to this many bytes a response is held."""
_LONGEST = 0.0005
"""How long the exchanges that run meanwhile may take, in seconds."""
_MOST = 64
"""Responses that are held at a time."""


class HeldResponse(Outbox):
    """In place of an outbox: what a transport holds."""

    __slots__ = ("_transport",)

    def __init__(self, transport: HoldingTransport) -> None:
        super().__init__()
        self._transport = transport

    def close(self) -> None:
        """The exchange has failed after its response, and the connection is about to be closed."""
        with contextlib.suppress(OSError):
            self._transport.send()


class HoldingTransport(LoopTransport):
    """Holds the end of a response, where the driver lets it."""

    __slots__ = ("_held_response", "held", "may_hold")

    held: bytes | None
    """What is to go out at the end of the turn; `outbox` is a `HeldResponse` then."""
    may_hold: bool
    """Whether a response may be held: there is a turn, and nothing more is to be read."""

    def __init__(
        self,
        make_file: Callable[[], IO[bytes]],
        write_timeout: float,
        progress: Callable[[], object],
    ) -> None:
        super().__init__(make_file, write_timeout=write_timeout, progress=progress)
        self._held_response = HeldResponse(self)

    def send(self, *buffers: bytes) -> None:
        """As `SocketTransport.send`, behind what is held."""
        held = self.held
        if held is not None:
            self.held = self.outbox = None
            buffers = (held, *buffers)
        super().send(*buffers)

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """As `SpoolingTransport.send_file`, behind what is held."""
        if self.held is not None:
            self.send()
        return super().send_file(fileno, offset, count)

    def send_last(self, data: bytes) -> None:
        """As `Transport.send_last`."""
        if self.may_hold and self.outbox is None and len(data) <= _LARGEST:
            self.held, self.outbox = data, self._held_response
        else:
            self.send(data)


class HoldingDriver(SuspendingDriver):
    """What a `Reactor` does with responses that are held: those of `exchange_holding`."""

    _holds = False
    """Whether a turn is going on at whose end they are sent."""
    _held_since = 0.0
    """When the first of them was held (monotonic seconds)."""

    def __init__(self, worker: Worker, serve: Callable[[Accepted], None], batch: int = -1) -> None:
        super().__init__(worker, serve, batch)
        self._held: list[tuple[Accepted, bytes]] = []
        self._count = worker.context.slot.held_cell

    def exchange_holding(self, accepted: Accepted, transport: HoldingTransport) -> None:
        """As `exchange`, for a model whose exchanges wait for nothing: within `turn_holding` a
        response may be held."""
        transport.outbox, accepted.outbox = accepted.outbox, None
        # After more input, or its end, the connection may be closed within this call.
        transport.may_hold = self._holds and not (accepted.unread or accepted.has_pending_event)
        transport.held = None
        _exchange(self, accepted, transport)
        data = transport.held
        held = self._held
        if data is not None:
            now = self.worker.ended_at or self.worker.clock()
            if not held:
                self._held_since = now
            held.append((accepted, data))
            self._count[()] = len(held)
            if now - self._held_since > _LONGEST or len(held) >= _MOST:
                self.send_held()
        elif held:
            self._send_if_late()

    def send_held(self) -> None:
        """Send what is held, and go on with its connections."""
        held, self._held = self._held, []
        for accepted, data in held:
            try:
                sent = write(accepted.fd, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._drop(accepted)
                continue
            if sent == len(data):
                self._go_on_in(accepted, accepted.state_after)
            else:
                accepted.outbox = Outbox(MEMORY, self.worker.spool)
                accepted.outbox.add(memoryview(data)[sent:])
                self._write_later(accepted, accepted.state_after)
        self._count[()] = len(self._held)

    def forget_held(self) -> None:
        """In a child that the application has forked: the parent sends and counts what is held."""
        self._held, self._count = [], unsigned_cell(unseen_word(), 0)

    def _send_if_late(self) -> None:
        """Something else has been done while responses are held: send them if it took long."""
        if self.worker.clock() - self._held_since > _LONGEST:
            self.send_held()

    def _write_later(self, accepted: Accepted, state: int) -> None:
        if type(accepted.outbox) is HeldResponse:  # `exchange_holding` goes on
            accepted.outbox, accepted.state_after = None, state
        else:
            super()._write_later(accepted, state)

    def _suspend(self, accepted: Accepted, state: int) -> None:
        super()._suspend(accepted, state)
        if self._held:
            self._send_if_late()
