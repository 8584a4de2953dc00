"""Connections whose exchange goes on elsewhere: in a coroutine, or in a thread of the protocol's.

Such a connection waits for its client and for its exchange at once.  The client's bytes are fed as
they arrive; `SuspendableAccepted.resume` has the exchange run again.  What the kernel does not take
meanwhile is sent when there is room, while the client is still read from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from hookserve.protocol.seam import (
    CLOSING,
    PAUSED,
    READY,
    SUSPENDED,
    Connection,
    ConnectionHandle,
)
from hookserve.reactor import phases
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.driver import Driver
from hookserve.reactor.phases import CLOSED, RUNNING, STREAMING
from hookserve.reactor.poller import GONE, HANGUP, READABLE, WRITABLE, is_gone

if TYPE_CHECKING:
    from hookserve.reactor.transport import SocketTransport

_exchange = Driver.exchange
IS_SUSPENDED = frozenset({phases.SUSPENDED, STREAMING, phases.PAUSED})
"""The phases in which an exchange is suspended."""


class SuspendableAccepted(Accepted, ConnectionHandle):
    """An accepted socket whose exchanges may be suspended: the protocol's handle of it."""

    __slots__ = ("_driver", "has_left", "is_resumed", "watches_both")

    def __init__(self, fd: int, connection: Connection, driver: SuspendingDriver) -> None:
        super().__init__(fd, connection)
        self._driver = driver
        self.is_resumed = False
        """Whether the exchange is to run again; any thread sets it."""
        self.watches_both = False
        """Whether the poller waits for room as well."""
        self.has_left = False
        """Whether the exchange that is suspended has been told that the worker stops."""
        connection.attach(self)

    def resume(self) -> None:
        """As `ConnectionHandle.resume`."""
        self._driver.resume(self)

    def resume_now(self) -> None:
        """As `ConnectionHandle.resume_now`."""
        self._driver.resume_now(self)


class SuspendingDriver(Driver):
    """What a `Reactor` does with a connection whose exchange is suspended."""

    is_stopping = False
    """Whether the worker is about to stop, and exchanges are told as they are suspended."""

    def make_suspendable(self, fd: int, connection: Connection) -> Accepted:
        """An accepted socket for a protocol that suspends."""
        return SuspendableAccepted(fd, connection, self)

    def suspend_exchanges(self) -> None:
        """Exchanges may be suspended: decided once, before the first connection."""
        self._acceptor.make = self.make_suspendable
        self.exchange = self.exchange_suspendable  # type: ignore[method-assign]  # for good

    def exchange_suspendable(self, accepted: Accepted, transport: SocketTransport) -> None:
        """As `Driver.exchange`: what is unsent of a suspended exchange goes out first."""
        transport.outbox, accepted.outbox = accepted.outbox, None
        _exchange(self, accepted, transport)

    def resume(self, accepted: SuspendableAccepted) -> None:
        """Run the exchange again, in a turn of its own; from any thread."""
        accepted.is_resumed = True  # the thread that owns it sees that before it waits
        if accepted.phase != CLOSED and self._take(accepted):
            self._deferred.add(accepted)

    def resume_now(self, accepted: SuspendableAccepted) -> None:
        """Run the exchange again before this returns, unless the connection is owned by a caller or
        another thread."""
        accepted.is_resumed = True
        if accepted.phase != CLOSED and self._take(accepted):
            accepted.is_resumed = False
            self._serve(accepted)

    def leave_suspended(self) -> None:
        """The worker is about to stop: tell the exchanges that are suspended, and those that will
        be, each in a turn of its own."""
        self.is_stopping = True  # a thread that suspends an exchange sees that before it waits
        for accepted in list(self._waiting.values()):
            if accepted.phase in IS_SUSPENDED and self._take(accepted):
                self._deferred.add(accepted)

    def end_suspended(self) -> None:
        """The worker ends: close the connections whose exchanges are suspended still."""
        for accepted in list(self._waiting.values()):
            if accepted.phase in IS_SUSPENDED and self._take(accepted):
                self._drop(accepted)

    def on_event(self, accepted: Accepted, event: int) -> None:
        """As `Driver.on_event`."""
        phase = accepted.phase
        if phase in IS_SUSPENDED and event & GONE and is_gone(accepted.fd):
            self._drop(accepted)
        elif phase == STREAMING:
            self._on_streaming(accepted, event)
        elif phase == phases.PAUSED:
            accepted.unread = True
            self._suspend(accepted, PAUSED)
        else:
            super().on_event(accepted, event)

    def _on_streaming(self, accepted: Accepted, event: int) -> None:
        """There is room for more of the response, or something to read, or both."""
        if event & (READABLE | HANGUP):
            accepted.unread = True
        if not event & (WRITABLE | HANGUP):  # a pending event may have been for room
            self._read_or_suspend(accepted, accepted.connection.state)
            return
        assert accepted.outbox is not None
        accepted.phase = RUNNING  # the next wait has a deadline of its own
        try:
            is_drained = accepted.outbox.flush(accepted.fd)
        except OSError:
            self._drop(accepted)
            return
        except Exception as error:  # no memory
            self._close_failed(accepted, error)
            return
        if is_drained:
            accepted.outbox = None
            self._go_on(accepted, accepted.connection.drained)
        else:
            self._read_or_suspend(accepted, accepted.connection.state)

    def _go_on(self, accepted: Accepted, move: Callable[[], int]) -> None:
        """Do what the protocol's state calls for after one of its methods was called."""
        try:
            state = move()
        except Exception as error:  # as of feed
            self._close_failed(accepted, error)
            return
        if state == READY:
            self._serve(accepted)
        elif state == CLOSING:
            self.close(accepted)
        else:
            self._read_or_suspend(accepted, state)

    def _read_or_suspend(self, accepted: Accepted, state: int) -> None:
        if accepted.unread and state == SUSPENDED:
            self.receive(accepted)
        else:
            self._wait_in_state(accepted, state)

    def _drop_suspended(self, accepted: Accepted) -> bool:
        is_suspended = accepted.connection.state >= SUSPENDED
        if is_suspended:
            self._drop(accepted)
        return is_suspended

    def _resume_deferred(self) -> None:
        accepted = self._deferred.resume()
        is_ready = False
        try:
            if accepted.phase == phases.LINGERING:
                self._discard(accepted)
            else:
                is_ready = self._resume_or_read(accepted)
        finally:
            self._deferred.release()
        if is_ready:
            self._serve(accepted)

    def _resume_or_read(self, accepted: Accepted) -> bool:
        """Returns whether a deferred connection is to be run, at once or after it was read from."""
        if accepted.connection.state >= SUSPENDED:
            found = cast("SuspendableAccepted", accepted)
            if self.is_stopping and not found.has_left and not self._leave(found):
                return False
            is_resumed, found.is_resumed = found.is_resumed, False
            if is_resumed:
                return True
            if found.connection.state == PAUSED:
                self._suspend(found, PAUSED)
                return False
        return accepted.connection.state == READY or self._read(accepted)

    def _leave(self, accepted: SuspendableAccepted) -> bool:
        """Tell the exchange that the worker stops; returns whether the connection is open still."""
        accepted.has_left = True
        try:
            state = accepted.connection.leave()
        except Exception as error:  # as of feed
            self._close_failed(accepted, error)
            return False
        if state == CLOSING:
            self.close(accepted)
        return state != CLOSING

    def _write_later(self, accepted: Accepted, state: int) -> None:
        if state < SUSPENDED and isinstance(accepted, SuspendableAccepted):
            accepted.watches_both = False  # for room alone now, and for bytes alone afterwards
        super()._write_later(accepted, state)

    def _suspend(self, accepted: Accepted, state: int) -> None:
        found = cast("SuspendableAccepted", accepted)
        is_streaming = found.outbox is not None
        if is_streaming != found.watches_both:
            found.watches_both = is_streaming
            event = READABLE | WRITABLE if is_streaming else READABLE
            if found.is_registered:
                change = self._poller.modify
            else:
                change, found.is_registered = self._poller.register, True
            if not self._watch(change, found, event):
                return
        if is_streaming:
            phase = STREAMING
        else:
            phase = phases.PAUSED if state == PAUSED else phases.SUSPENDED
        self._wait(found, phase)
        is_notified = found.has_left or not self.is_stopping
        if (found.is_resumed or not is_notified) and self._take(found):
            self._deferred.add(found)

    def _abandon_exchange(self, accepted: Accepted) -> None:
        try:
            accepted.connection.disconnected()
        except Exception as error:  # a fault of the protocol
            self.worker.log.error("an exchange has failed as it was ended", exc_info=error)
