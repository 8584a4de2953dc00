"""The connections of one worker, driven through their phases by events.

A connection is registered with the poller once in its life, edge-triggered.  While its client has
to be waited for it is a descriptor and two small objects: no thread, no greenlet, no timer.  When
its request is ready the model's `serve` has `exchange` run where the model runs them.

    accept ──▶ read ──▶ serve ──▶ exchange ──▶ wait ──▶ (event) read ...
                │                    │
                └──▶ wait            └──▶ write later, linger, close

`hookserve.reactor.phases` has the phases and their deadlines.

Several threads may call `handle_events` at once.  A thread that takes a connection out of
`Connections.waiting` owns it until it waits again; an event that comes meanwhile is pending, and
is handled then.

Deadlines are checked together, in a *sweep*: a wait sets two attributes and no timer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from time import thread_time
from typing import TYPE_CHECKING

from hookserve.protocol.seam import CLOSING, IDLE, READING_BODY, READY
from hookserve.reactor import phases
from hookserve.reactor.acceptor import Acceptor
from hookserve.reactor.connections import Connections
from hookserve.reactor.deferred import DeferredQueue
from hookserve.reactor.loop import Loop
from hookserve.reactor.phases import (
    CLOSED,
    KEPT,
    LINGERING,
    READING_HEAD,
    RUNNING,
    SILENT,
    WHEN_IDLE,
    WRITING,
)
from hookserve.reactor.poller import EDGE, FOR_EVER, HANGUP, READABLE, WRITABLE, Event
from hookserve.system.calls import close, read

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted
    from hookserve.reactor.transport import SocketTransport
    from hookserve.worker.base import Worker

_BUDGET = range(16)
"""Reads from one client, and pipelined requests of it, before other connections come first."""
_SWEEP_PAUSE = 0.2
_PROGRESSING = (phases.READING_BODY, WRITING)  # their deadline counts from the client's last move


class Reactor:
    """Drives the connections of `worker`; `serve` is called with each that is ready to run.

    `batch` is the number of events that one `turn` takes from the kernel, -1 for all there are:
    where `serve` hands them on, one, or a pool would be given more than it has threads for.
    """

    def __init__(self, worker: Worker, serve: Callable[[Accepted], None], batch: int = -1) -> None:
        config = worker.config
        self.worker = worker
        self.connections = Connections()
        self.open = self.connections.open
        """All connections, by descriptor."""
        self.loop = Loop(worker, batch)
        self.wait = self.loop.wait
        """Called with seconds: returns the events that come within them."""
        self._serve = serve
        head, keep = config.header_timeout, config.keepalive
        limits = (head, keep, head, config.body_timeout, config.write_timeout)
        self._timeouts = (*(each or FOR_EVER for each in limits), config.linger_timeout)
        """By phase, in seconds."""
        self._waiting = self.connections.waiting
        self._poller = self.loop.poller
        self._next_scan = FOR_EVER
        """When a deadline may have passed."""
        self._lock = threading.Lock()
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

    # The life of a model.

    @property
    def next_sweep(self) -> float:
        """When `sweep` must be called next, in seconds of the monotonic clock."""
        return self.loop.next_sweep

    def fileno(self) -> int:
        """Readable when `turn` has something to do: another loop may wait for it."""
        return self._poller.fileno()

    def start_accepting(self) -> None:
        """Accept from all listeners."""
        self._acceptor.start()

    def pause(self) -> float:
        """The longest that the model may wait, in seconds; infinite when nothing is due."""
        beat = self.worker.heartbeat_interval
        left = self.loop.next_sweep - self.worker.clock()
        return max(0.0, left if beat is None else min(left, beat))

    def turn(self, timeout: float) -> None:
        """Wait for events, at most `timeout` seconds, and handle them and what is due."""
        self.handle_events(self.wait(timeout))

    def handle_events(self, events: Iterable[Event]) -> None:
        """Drive the connections that the events are of, and check deadlines."""
        now = self.worker.notify()
        take, serve = self._waiting.pop, self._serve
        for fd, event in events:
            accepted = take(fd, None)
            if accepted is None:
                self._on_other(fd)
            elif event == READABLE and accepted.phase < WRITING:
                if self._read(accepted):
                    serve(accepted)
            elif accepted.phase == WRITING:
                self._on_writable(accepted)
            else:
                self._on_readable(accepted, event)
        if now >= self.loop.next_sweep:
            self.sweep(now)

    def begin_drain(self) -> None:
        """Stop accepting; keep idle connections for `linger_timeout`: a request may be coming."""
        self._acceptor.close()
        linger = self._timeouts[LINGERING]
        head, _, *others = self._timeouts
        self._timeouts = (head, linger, *others)
        limit = self.worker.clock() + linger
        for accepted in list(self._waiting.values()):
            if accepted.phase in (SILENT, KEPT):
                accepted.deadline = min(accepted.deadline, limit)
        self._scan_by(limit)

    def is_draining(self, deadline: float) -> bool:
        """Whether there is something left to finish, and time for it."""
        is_left = self._acceptor.has_backlog or bool(self.open)
        return is_left and not self.worker.is_quick and self.worker.clock() < deadline

    # One connection.

    def exchange(self, accepted: Accepted, transport: SocketTransport) -> None:
        """Run the exchanges that are ready; then wait for the client again, or close.

        Called by the model with a connection that `serve` was called with, in any thread.
        """
        connection = accepted.connection
        transport.fd = accepted.fd
        accepted.phase = RUNNING
        for _ in _BUDGET:
            state = connection.run(transport)
            if transport.outbox is not None:
                accepted.outbox, transport.outbox = transport.outbox, None
                accepted.state_after = state
                self._write_later(accepted)
                return
            if state == CLOSING:
                self.close(accepted)
                return
            if state == READY:
                continue
            if not (accepted.unread or accepted.has_pending_event):
                self._wait_in_state(accepted, state)
                return
            if not self._read(accepted):
                return
        self._deferred.add(accepted)

    def close(self, accepted: Accepted) -> None:
        """Close; half-close first where a reset could overtake the response (RFC 9112, 9.6)."""
        fd = accepted.fd
        lingers = accepted.connection.lingers and accepted.phase != LINGERING
        if lingers and accepted.half_close():
            self._wait(accepted, LINGERING)
            return
        accepted.phase = CLOSED
        if accepted.outbox is not None:
            accepted.outbox.close()
        del self.open[fd]
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
        size, began = accepted.read_size, 0.0
        for _ in _BUDGET:
            try:
                data = read(fd, size)
            except BlockingIOError:
                accepted.unread = False
                self._wait_in_state(accepted, connection.state)
                return False
            except OSError:
                data = b""
            if accepted.phase == LINGERING:
                if not data:
                    self.close(accepted)
                    return False
                continue
            state = connection.feed(data)
            if len(data) == size:
                accepted.unread = True
            if state == READY:
                return True
            if state == CLOSING or not data:
                self.close(accepted)
                return False
            if not accepted.unread:
                self._wait_in_state(accepted, state)
                return False
            if accepted.is_over_budget(began):
                break
            size, began = accepted.read_size, thread_time()
        self._deferred.add(accepted)
        return False

    def _wait_in_state(self, accepted: Accepted, state: int) -> None:
        """Wait for the client; `state` is the protocol's."""
        phase = accepted.phase
        if state == IDLE:
            self._wait(accepted, WHEN_IDLE[phase])
            if self._acceptor.is_full:
                self._acceptor.resume_if_room()
        elif state == READING_BODY:
            accepted.send_interim()
            self._wait(accepted, phases.READING_BODY)
        elif phase == LINGERING:
            self._wait(accepted, LINGERING)
        else:
            if phase == SILENT:
                accepted.phase = READING_HEAD  # with the deadline that counts from the accept
            self._wait(accepted, READING_HEAD)

    def _wait(self, accepted: Accepted, phase: int) -> None:
        """Wait in that phase; a wait that goes on keeps its deadline unless the client has made
        progress."""
        fd = accepted.fd
        if accepted.phase != phase or phase in _PROGRESSING:
            accepted.phase = phase
            now = accepted.since = self.worker.clock()
            deadline = accepted.deadline = now + self._timeouts[phase]
            if deadline < self._next_scan:
                self._scan_by(deadline)
        if not accepted.is_registered:
            accepted.is_registered = True
            self._poller.register(fd, (WRITABLE if phase == WRITING else READABLE) | EDGE)
        self._waiting[fd] = accepted
        if accepted.has_pending_event:
            self._handle_pending(fd)

    def _take(self, accepted: Accepted) -> bool:
        """Own a connection that was seen waiting; false when it does not wait any more."""
        found = self._waiting.pop(accepted.fd, None)
        if found is not None and found is not accepted:
            self._wait(found, found.phase)  # the descriptor is another connection's by now
        return found is accepted

    def _handle_pending(self, fd: int) -> None:
        """An event came for a connection while a thread owned it, and it waits now."""
        accepted = self._waiting.pop(fd, None)
        if accepted is None:
            return
        accepted.has_pending_event = False
        if accepted.phase == WRITING:
            self._on_writable(accepted)
        else:
            self._on_readable(accepted, HANGUP)

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

    def _on_readable(self, accepted: Accepted, event: int) -> None:
        """Something can be read; after a hang-up everything is, for no other event follows."""
        accepted.unread |= bool(event & HANGUP)
        self.receive(accepted)

    def _write_later(self, accepted: Accepted) -> None:
        if accepted.is_registered:
            self._poller.modify(accepted.fd, WRITABLE | EDGE)
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
        accepted.outbox = None
        self._poller.modify(accepted.fd, READABLE | EDGE)
        state = accepted.state_after
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

    def _resume_deferred(self) -> None:
        accepted = self._deferred.resume()
        is_ready = accepted.connection.state == READY or self._read(accepted)
        self._deferred.release()
        if is_ready:
            self._serve(accepted)

    # Deadlines.

    def sweep(self, now: float) -> None:
        """Handle the deadlines that have passed, and accept again when there may be room."""
        self.loop.begin_sweep()
        if now >= self._next_scan:
            self._scan(now)
        self._acceptor.resume()
        self.loop.sweep_by(self._next_scan)

    def _scan(self, now: float) -> None:
        with self._lock:
            self._next_scan = FOR_EVER
        nearest = FOR_EVER
        for accepted in list(self._waiting.values()):
            if accepted.deadline > now:
                nearest = min(nearest, accepted.deadline)
            elif self._take(accepted):
                self._on_deadline(accepted, now)
        self._scan_by(max(nearest, now + _SWEEP_PAUSE))

    def _scan_by(self, moment: float) -> None:
        with self._lock:
            self._next_scan = min(self._next_scan, moment)
        self.loop.sweep_by(moment)

    def _on_deadline(self, accepted: Accepted, now: float) -> None:
        if accepted.deadline > now:  # another thread has served it in between
            self._wait(accepted, accepted.phase)
        elif accepted.phase in (WRITING, LINGERING):
            self._drop(accepted)
        elif accepted.phase in (SILENT, KEPT) and accepted.is_readable():
            self.receive(accepted)  # it came while the worker was held up, or at the deadline
        elif accepted.connection.expire() == READY:
            self._serve(accepted)
        else:
            self.close(accepted)
