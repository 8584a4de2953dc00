"""One connection of a worker: read from, run, waited for, written to, closed.

A connection is registered with the poller once in its life, edge-triggered.  While its client has
to be waited for it is a descriptor and two small objects: no thread, no greenlet, no timer.  When
its request is ready the model's `serve` has `exchange` run where the model runs them.

    accept ──▶ read ──▶ serve ──▶ exchange ──▶ wait ──▶ (event) read ...
                │                    │
                └──▶ wait            └──▶ write later, linger, close

`hookserve.reactor.phases` has the phases and their deadlines.

A thread that takes a connection out of `Connections.waiting` owns it until it waits again; an
event that comes meanwhile is pending, and is handled then.

Whatever goes wrong for one connection ends that connection alone: nothing that a protocol, an
outbox or the poller raises leaves this module, but for what is no `Exception`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from time import thread_time
from typing import TYPE_CHECKING

from hookserve.protocol.seam import CLOSING, IDLE, PAUSED, READING_BODY, READY, SUSPENDED
from hookserve.reactor import phases
from hookserve.reactor.acceptor import Acceptor
from hookserve.reactor.connections import Connections
from hookserve.reactor.deferred import DeferredQueue
from hookserve.reactor.loop import Loop
from hookserve.reactor.phases import CLOSED, LINGERING, RUNNING, SILENT, WHEN_IDLE, WRITING
from hookserve.reactor.poller import EDGE, FOR_EVER, HANGUP, READABLE, WRITABLE
from hookserve.system.calls import close, make_lock, read

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted
    from hookserve.reactor.transport import SocketTransport
    from hookserve.worker.base import Worker

_BUDGET = range(16)
"""Reads from one client, and pipelined requests of it, before other connections come first."""
_PROGRESSING = (phases.READING_BODY, WRITING)  # their deadline counts from the client's last move


class Driver(ABC):
    """What a `Reactor` does with one connection, which the calling thread owns."""

    def __init__(self, worker: Worker, serve: Callable[[Accepted], None], batch: int = -1) -> None:
        config = worker.config
        self.worker = worker
        self.connections = Connections(worker.context.slot.lingering_cell)
        self.open = self.connections.open
        self.loop = Loop(worker, batch)
        self.wait = self.loop.wait
        """Called with seconds: returns the events that come within them."""
        self._serve = serve
        head, keep, write = config.header_timeout, config.keepalive, config.write_timeout
        limits = (head, keep, head, config.body_timeout, 0.0, write, write, 0.0)
        self._timeouts = (*(each or FOR_EVER for each in limits), config.linger_timeout)
        """By phase, in seconds."""
        self._body_rate: float = config.body_rate
        self._waiting = self.connections.waiting
        self._poller = self.loop.poller
        self._next_scan = FOR_EVER
        """When a deadline may have passed."""
        self._lock = make_lock()
        """Guards `_next_scan`."""
        self._deferred = DeferredQueue()
        self.loop.watch(self._deferred.fileno(), self._resume_deferred, EDGE)
        self._acceptor = Acceptor(
            worker,
            self.connections,
            self.loop,
            on_accepted=self.receive,
            on_backlog=self.wait_for_head,
            evict=self.evict,
            batch=batch,
        )

    def exchange(self, accepted: Accepted, transport: SocketTransport) -> None:
        """Run the exchanges that are ready; then wait for the client again, or close.

        Called by the model with a connection that `serve` was called with, in any thread.
        """
        connection, worker = accepted.connection, self.worker
        transport.fd = accepted.fd
        accepted.phase = RUNNING
        for _ in _BUDGET:
            worker.ended_at = 0.0  # another thread's request may set it before this one's does
            try:
                state = connection.run(transport)
            except Exception as error:  # no memory, or a fault of the protocol
                accepted.outbox, transport.outbox = transport.outbox, None
                self._close_failed(accepted, error)
                return
            if transport.outbox is not None:
                accepted.outbox, transport.outbox = transport.outbox, None
                self._write_later(accepted, state)
                return
            if state == CLOSING:
                self.close(accepted)
                return
            if state == READY:
                continue
            if not (accepted.unread or accepted.has_pending_event) or state == PAUSED:
                self._wait_in_state(accepted, state, worker.ended_at)
                return
            if accepted.is_slow_input:
                break
            if not self._read(accepted):
                return
        self._deferred.add(accepted)

    def close(self, accepted: Accepted) -> None:
        """Close; half-close first where a reset could overtake the response (RFC 9112, 9.6)."""
        fd = accepted.fd
        if accepted.connection.lingers and accepted.phase != LINGERING:
            self.connections.linger(fd)  # before its client can know
            if accepted.half_close():
                self._wait(accepted, LINGERING)
                return
        accepted.phase = CLOSED
        if accepted.outbox is not None:
            accepted.outbox.close()
        if accepted.connection.state >= SUSPENDED:
            self._abandon_exchange(accepted)
        self.connections.remove(fd)
        self.worker.count_open(len(self.open))  # before its client can know
        close(fd)
        if self._acceptor.is_full:
            self._acceptor.start()

    def evict(self, accepted: Accepted) -> None:
        """Close an idle connection, unless a thread serves its request by now."""
        if self._take(accepted):
            self._drop(accepted)

    def receive(self, accepted: Accepted) -> None:
        """Read from a connection that the caller owns, and serve it or wait for its client."""
        if self._read(accepted):
            self._serve(accepted)

    def wait_for_head(self, accepted: Accepted) -> None:
        """Let a new connection wait unread."""
        self._wait(accepted, SILENT)

    def _read(self, accepted: Accepted) -> bool:
        """Read until an exchange is ready (true), or the client is to be waited for or gone."""
        fd, connection = accepted.fd, accepted.connection
        if accepted.has_pending_event:
            accepted.has_pending_event = False
            accepted.unread = True
        size, began = accepted.read_size, thread_time() if accepted.unread else 0.0
        for _ in _BUDGET:
            try:
                data = read(fd, size)
            except BlockingIOError:
                accepted.unread = False
                self._wait_in_state(accepted, connection.state)
                return False
            except OSError:
                data = b""
                if self._drop_suspended(accepted):
                    return False
            try:
                state = connection.feed(data)
            except Exception as error:  # no memory, no room for a file, a fault of the protocol
                return self._on_failure(accepted, error)
            if len(data) == size:
                accepted.unread = True
            if state == READY:
                accepted.check_cost(began)
                return True
            if state == READING_BODY:
                accepted.body_received += len(data)
            if state == CLOSING or (not data and state < SUSPENDED):
                self.close(accepted)
                return False
            if not accepted.unread or not data or state == PAUSED:
                self._wait_in_state(accepted, state)
                return False
            if accepted.measure_piece(began):
                break
            size, began = accepted.read_size, thread_time()
        self._deferred.add(accepted)
        return False

    def _discard(self, accepted: Accepted) -> None:
        """Drop what follows the response, until the client's end."""
        if not accepted.may_discard():
            return self._wait_on(accepted)
        for _ in _BUDGET:
            try:
                data = read(accepted.fd, accepted.read_size)
            except BlockingIOError:
                accepted.unread = False
                self._wait(accepted, LINGERING)
                return
            except OSError:
                data = b""
            if not data:
                self.close(accepted)
                return
        self._deferred.add(accepted)

    def _wait_in_state(self, accepted: Accepted, state: int, ended_at: float = 0.0) -> None:
        """Wait for the client; `state` is the protocol's, `ended_at` is of `Worker`."""
        phase = accepted.phase
        if state == IDLE:
            self._wait(accepted, WHEN_IDLE[phase], FOR_EVER, ended_at)
            if self._acceptor.is_full:
                self._acceptor.resume_if_room()
        elif state == READING_BODY:
            try:
                is_sent = accepted.send_interim()
            except Exception as error:  # as of feed
                if self._on_failure(accepted, error):
                    self._serve(accepted)
                return
            if is_sent:
                self._wait(accepted, phases.READING_BODY, self._limit_of_body(accepted))
            else:
                self._write_later(accepted, state)
        elif state >= SUSPENDED:
            self._suspend(accepted, state)
        else:
            if phase == SILENT:
                accepted.phase = phases.READING_HEAD  # its deadline counts from the accept
            self._wait(accepted, phases.READING_HEAD)

    def _limit_of_body(self, accepted: Accepted) -> float:
        """When the body is too slow: after `body_timeout`, and what has come at its least rate."""
        if accepted.phase != phases.READING_BODY:
            accepted.body_began, accepted.body_received = self.worker.clock(), 0
        if not self._body_rate:
            return FOR_EVER
        allowed = self._timeouts[phases.READING_BODY] + accepted.body_received / self._body_rate
        limit: float = accepted.body_began + allowed
        return limit

    def _wait(self, accepted: Accepted, phase: int, limit: float = FOR_EVER, at: float = 0) -> None:
        """Wait in that phase, until `limit` at the latest; a wait that goes on keeps its deadline
        unless the client has made progress."""
        fd = accepted.fd
        if accepted.phase != phase or phase in _PROGRESSING:
            accepted.phase = phase
            now = accepted.since = at or self.worker.clock()
            deadline = now + self._timeouts[phase]
            if limit < deadline:
                deadline = limit
            accepted.deadline = deadline
            if deadline < self._next_scan:
                self._scan_by(deadline)
        if not accepted.is_registered:
            accepted.is_registered = True  # once in its life
            event = WRITABLE if phase == WRITING else READABLE
            if not self._watch(self._poller.register, accepted, event):
                return
        self._waiting[fd] = accepted
        if accepted.has_pending_event:
            self._handle_pending(fd)

    def _wait_on(self, accepted: Accepted) -> None:
        """Go on waiting, with the deadline as it is."""
        self._waiting[accepted.fd] = accepted
        if accepted.has_pending_event:
            self._handle_pending(accepted.fd)

    def _watch(self, change: Callable[[int, int], None], accepted: Accepted, event: int) -> bool:
        """Register or modify; false when the poller cannot, and the connection is closed."""
        try:
            change(accepted.fd, event | EDGE)
        except OSError as error:  # no memory, or too many watches (epoll_ctl(2))
            accepted.phase = RUNNING
            self._close_failed(accepted, error)
            return False
        return True

    def _take(self, accepted: Accepted) -> bool:
        """Own a connection that was seen waiting; false when it does not wait any more."""
        found = self._waiting.pop(accepted.fd, None)
        if found is not None and found is not accepted:
            self._wait_on(found)  # the descriptor is another connection's by now
        return found is accepted

    def _handle_pending(self, fd: int) -> None:
        """An event came for a connection while a thread owned it, and it waits now."""
        accepted = self._waiting.pop(fd, None)
        if accepted is None:
            return
        accepted.has_pending_event = False
        self.on_event(accepted, HANGUP)

    def _on_other(self, fd: int) -> None:
        """An event for what does not wait: a handler's descriptor, or an owned connection."""
        handler = self.loop.handlers.get(fd)
        if handler is not None:
            handler()
            return
        owned = self.open.get(fd)
        if owned is not None:
            owned.has_pending_event = True
            self._handle_pending(fd)

    def on_event(self, accepted: Accepted, event: int) -> None:
        """Something has happened to a connection that the caller owns; after a hang-up everything
        is read, for no other event follows."""
        if accepted.phase == WRITING:
            self._on_writable(accepted)
        elif accepted.phase == LINGERING:
            self._discard(accepted)
        else:
            accepted.unread |= bool(event & HANGUP)
            self.receive(accepted)

    def _write_later(self, accepted: Accepted, state: int) -> None:
        """Send what is in the outbox, and go on in that state of the protocol's."""
        if state >= SUSPENDED:
            self._suspend(accepted, state)
            return
        accepted.state_after = state
        modify = self._poller.modify
        if not accepted.is_registered or self._watch(modify, accepted, WRITABLE):
            self._wait(accepted, WRITING)

    def _on_writable(self, accepted: Accepted) -> None:
        """The kernel takes more of the response, or the client is gone."""
        assert accepted.outbox is not None
        try:
            if not accepted.outbox.flush(accepted.fd):
                self._wait(accepted, WRITING)
                return
        except OSError:
            self._drop(accepted)
            return
        except Exception as error:  # no memory
            self._close_failed(accepted, error)
            return
        accepted.outbox = None
        if self._watch(self._poller.modify, accepted, READABLE):
            self._go_on_in(accepted, accepted.state_after)

    def _go_on_in(self, accepted: Accepted, state: int) -> None:
        """All of the response is sent: go on; `state` is the protocol's."""
        if state == CLOSING:
            self.close(accepted)
            return
        accepted.phase = RUNNING
        if state == READY:
            self._serve(accepted)
        elif accepted.unread:
            self.receive(accepted)
        else:
            self._wait_in_state(accepted, state)

    def _drop(self, accepted: Accepted) -> None:
        """Close at once: the client is gone, or its deadline has passed."""
        accepted.connection.lingers = False
        self.close(accepted)

    # Of exchanges that are suspended: `hookserve.reactor.suspension`.

    @abstractmethod
    def _drop_suspended(self, accepted: Accepted) -> bool:
        """Reading has failed: close the connection if its exchange is suspended; returns whether
        it was."""

    @abstractmethod
    def _resume_deferred(self) -> None:
        """Go on with the next connection that has used up its budget, or is resumed."""

    @abstractmethod
    def _suspend(self, accepted: Accepted, state: int) -> None:
        """Wait for the client, and for the exchange, which goes on elsewhere."""

    @abstractmethod
    def _abandon_exchange(self, accepted: Accepted) -> None:
        """Tell a suspended exchange that its connection is closed."""

    def _on_failure(self, accepted: Accepted, error: Exception) -> bool:
        """A protocol has raised: whether it has a response to that, which `exchange` sends."""
        try:
            if accepted.connection.fail(error) == READY:
                return True
        except Exception as second:  # there may be no memory for that either
            error = second
        self._close_failed(accepted, error)
        return False

    def _close_failed(self, accepted: Accepted, error: Exception) -> None:
        self.worker.log.error("a connection has failed and is closed", exc_info=error)
        self._drop(accepted)

    def _scan_by(self, moment: float) -> None:
        """A deadline passes at that moment."""
        with self._lock:
            self._next_scan = min(self._next_scan, moment)
        self.loop.sweep_by(moment)
