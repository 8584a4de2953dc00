"""The connections of one worker: accepted, waited for, read from, kept or closed.

A connection is registered with the poller once in its life, edge-triggered, and is *parked* while
its client has to be waited for: a descriptor and two small objects, no thread, no greenlet, no
timer.  When its request is ready the model's `serve` has `exchange` run where the model runs them.

    accept ──▶ receive ──▶ serve ──▶ exchange ──▶ park ──▶ (event) receive ...
                  │                     │
                  └──▶ park             └──▶ write later, linger, close

Several threads may call `deal_with` at once.  Whoever takes a connection out of the table of the
parked owns it until it is parked again.  An event for it is noted and looked at then (`_missed`).

Deadlines are looked at together, in a *sweep*: parking sets two attributes and no timer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from time import thread_time
from typing import TYPE_CHECKING

from hookserve.protocol.seam import CLOSING, IDLE, READING_BODY, READY
from hookserve.reactor.accepted import BODY, HEAD, KEPT, LINGERING, SERVED, WRITING, Accepted
from hookserve.reactor.acceptor import Acceptor
from hookserve.reactor.deferred import DeferredQueue
from hookserve.reactor.poller import EDGE, FOR_EVER, HANGUP, READABLE, WRITABLE, Event, make_poller
from hookserve.reactor.waiter import Waiter
from hookserve.system.calls import close, read

if TYPE_CHECKING:
    from hookserve.reactor.transport import SocketTransport
    from hookserve.worker.base import Worker

_BUDGET = range(16)
"""Reads from one client, and pipelined requests of it, before others have their turn."""
_SWEEP_PAUSE = 0.2
_PROGRESSING = (BODY, WRITING)  # their deadline counts from the client's last move


class Reactor:
    """Drives the connections of `worker`; `serve` is called with each that is ready to run.

    `batch` is the number of events that one `turn` takes from the kernel, -1 for all there are:
    where `serve` hands them on, one, or a pool would be given more than it has threads for.
    """

    def __init__(self, worker: Worker, serve: Callable[[Accepted], None], batch: int = -1) -> None:
        config = worker.config
        self.worker = worker
        self.open: dict[int, Accepted] = {}
        """All connections, by descriptor."""
        self.next_sweep = FOR_EVER
        """When `sweep` must be called next, in seconds of the monotonic clock."""
        self._next_scan = FOR_EVER
        """When a deadline may have passed."""
        self.on_earlier_sweep: Callable[[], None] = lambda: None
        """Called when `next_sweep` has become earlier, from whichever thread made it so."""
        self._serve = serve
        timeouts = (config.header_timeout, config.keepalive, config.body_timeout,
                    config.write_timeout)  # fmt: skip
        self._timeouts = (*(each or FOR_EVER for each in timeouts), config.linger_timeout)
        self._parked: dict[int, Accepted] = {}
        self._missed: set[int] = set()
        self._deferred = DeferredQueue()
        self._poller = make_poller()
        self.wait = Waiter(worker, self._poller, batch).wait
        """Called with seconds: the events that come within them."""
        self._handlers: dict[int, Callable[[], None]] = {}
        self._acceptor = Acceptor(self, batch)
        self.watch(self._deferred.fileno(), self._take_up_postponed, EDGE)
        self._lock = threading.Lock()

    # The life of a model.

    def run(self) -> None:
        """Accept and serve until the worker is told to stop."""
        self.watch(self.worker.wakeup, self.worker.process_signals)
        self.start_accepting()
        while self.worker.alive:
            self.turn(self.pause())

    def drain(self, deadline: float) -> None:
        """Finish what is open by `deadline`, in seconds of the monotonic clock."""
        self.begin_drain()
        while self.is_draining(deadline):
            self.turn(min(self.pause(), max(0.0, deadline - self.worker.clock())))

    def fileno(self) -> int:
        """Readable when `turn` has something to do: another loop may wait for it."""
        return self._poller.fileno()

    def watch(self, fd: int, handler: Callable[[], None], flags: int = 0) -> None:
        """Call `handler` in `turn` whenever the descriptor is readable."""
        self._handlers[fd] = handler
        self._poller.register(fd, READABLE | flags)

    def forget(self, fd: int) -> None:
        """Do not watch the descriptor any more."""
        self._poller.unregister(fd)
        self._handlers.pop(fd, None)

    def start_accepting(self) -> None:
        """Accept from all listeners."""
        self._acceptor.start()

    def pause(self) -> float:
        """The longest that the model may wait, in seconds; infinite when nothing is due."""
        beat = self.worker.heartbeat_interval
        left = self.next_sweep - self.worker.clock()
        return max(0.0, left if beat is None else min(left, beat))

    def turn(self, timeout: float) -> None:
        """Wait for events, at most `timeout` seconds, and deal with them and with deadlines."""
        self.deal_with(self.wait(timeout))

    def deal_with(self, events: Iterable[Event]) -> None:
        """Serve who has spoken, and see to deadlines."""
        now = self.worker.notify()
        take, serve = self._parked.pop, self._serve
        for fd, event in events:
            accepted = take(fd, None)
            if accepted is None:
                self._handle_other(fd)
            elif event == READABLE and accepted.wait < WRITING:
                if self._read(accepted):
                    serve(accepted)
            else:
                self._handle_rare(accepted, event)
        if now >= self.next_sweep:
            self.sweep(now)

    def begin_drain(self) -> None:
        """Stop accepting; keep idle connections for `linger_timeout`: one may just be asking."""
        self._acceptor.close()
        header, _, *others = self._timeouts
        self._timeouts = (header, others[-1], *others)
        limit = self.worker.clock() + others[-1]
        for accepted in list(self._parked.values()):
            if accepted.connection.state == IDLE and accepted.wait < WRITING:
                accepted.deadline = min(accepted.deadline, limit)
        self._scan_by(limit)

    def is_draining(self, deadline: float) -> bool:
        """Whether there is something left to finish, and time for it."""
        is_left = self._acceptor.take_backlog() or bool(self.open)
        if not is_left:  # which another thread may be about to say
            self.worker.count_open(0)
        return is_left and not self.worker.is_quick and self.worker.clock() < deadline

    # One connection.

    def exchange(self, accepted: Accepted, transport: SocketTransport) -> None:
        """Run the exchanges that are ready; then wait for the client again, or part from it."""
        connection = accepted.connection
        transport.fd = accepted.fd
        accepted.wait = SERVED
        accepted.is_new = False
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
            if not accepted.unread and accepted.fd not in self._missed:
                self._park(accepted, state)
                return
            if not self._read(accepted):
                return
        self._deferred.add(accepted)

    def close(self, accepted: Accepted) -> None:
        """Close; half-close first where a reset could overtake the response (RFC 9112, 9.6)."""
        fd = accepted.fd
        lingers = accepted.connection.lingers and accepted.wait != LINGERING
        if lingers and accepted.half_close():
            self._wait_for(accepted, LINGERING)
            return
        if accepted.outbox is not None:
            accepted.outbox.close()
        del self.open[fd]
        self._missed.discard(fd)
        self.worker.count_open(len(self.open))  # before its client can know
        close(fd)
        if self._acceptor.is_full:
            self._acceptor.start()

    def idle(self) -> Iterator[tuple[Accepted, float]]:
        """The connections that wait for their next request, and since when; the longest first."""
        for accepted in list(self._parked.values()):  # in the order of their parking
            if accepted.wait == KEPT:
                yield accepted, accepted.deadline - self._timeouts[KEPT]

    def evict(self, accepted: Accepted) -> None:
        """Close an idle connection, unless its request is being served by now."""
        if self._take(accepted):
            self._drop(accepted)

    def receive(self, accepted: Accepted) -> None:
        """Read from a connection that the caller owns, and serve or park it."""
        if self._read(accepted):
            self._serve(accepted)

    def wait_for_head(self, accepted: Accepted) -> None:
        """Park a new connection unread."""
        self._wait_for(accepted, HEAD)

    def _read(self, accepted: Accepted) -> bool:
        """Read until an exchange is ready (true), or the client is to be waited for or gone."""
        fd, connection = accepted.fd, accepted.connection
        if self._missed and fd in self._missed:
            self._missed.discard(fd)
            accepted.unread = True
        size, began = accepted.piece, 0.0
        for _ in _BUDGET:
            try:
                data = read(fd, size)
            except BlockingIOError:
                accepted.unread = False
                self._park(accepted, connection.state)
                return False
            except OSError:
                data = b""
            if accepted.wait == LINGERING:
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
                self._park(accepted, state)
                return False
            if accepted.takes_long(began):
                break
            size, began = accepted.piece, thread_time()
        self._deferred.add(accepted)
        return False

    def _park(self, accepted: Accepted, state: int) -> None:
        """Wait for the client; `state` is its connection's."""
        if state == IDLE:
            self._wait_for(accepted, HEAD if accepted.is_new else KEPT)
            if self._acceptor.is_full:
                self._acceptor.look_for_room()
        elif state == READING_BODY:
            accepted.send_interim()
            self._wait_for(accepted, BODY)
        else:
            self._wait_for(accepted, LINGERING if accepted.wait == LINGERING else HEAD)

    def _wait_for(self, accepted: Accepted, wait: int) -> None:
        """Park; a wait that goes on keeps its deadline unless the client has made progress."""
        fd = accepted.fd
        if accepted.wait != wait or wait in _PROGRESSING:
            accepted.wait = wait
            deadline = accepted.deadline = self.worker.clock() + self._timeouts[wait]
            if deadline < self._next_scan:
                self._scan_by(deadline)
        if not accepted.is_registered:
            accepted.is_registered = True
            self._poller.register(fd, (WRITABLE if wait == WRITING else READABLE) | EDGE)
        self._parked[fd] = accepted
        if self._missed and fd in self._missed:
            self._look_again(fd)

    def _take(self, accepted: Accepted) -> bool:
        """Own a connection found in the table; false when it is not there any more."""
        found = self._parked.pop(accepted.fd, None)
        if found is not None and found is not accepted:
            self._wait_for(found, found.wait)  # the descriptor is another's by now
        return found is accepted

    def _look_again(self, fd: int) -> None:
        """Something happened to a connection while somebody owned it, and it is parked now."""
        accepted = self._parked.pop(fd, None)
        if accepted is not None:
            self._missed.discard(fd)
            self._handle_rare(accepted, HANGUP)

    def _handle_other(self, fd: int) -> None:
        """An event for what is not parked: a handler's descriptor, or an owned connection."""
        handler = self._handlers.get(fd)
        if handler is not None:
            handler()
        elif fd in self.open:
            self._missed.add(fd)
            self._look_again(fd)

    def _handle_rare(self, accepted: Accepted, event: int) -> None:
        """The client is going, or can take more of its response."""
        if accepted.wait == WRITING:
            self._write_on(accepted)
            return
        accepted.unread |= bool(event & HANGUP)
        self.receive(accepted)

    def _write_later(self, accepted: Accepted) -> None:
        if accepted.is_registered:
            self._poller.modify(accepted.fd, WRITABLE | EDGE)
        self._wait_for(accepted, WRITING)

    def _write_on(self, accepted: Accepted) -> None:
        assert accepted.outbox is not None
        try:
            if not accepted.outbox.flush(accepted.fd):
                self._wait_for(accepted, WRITING)
                return
        except OSError:
            self._drop(accepted)
            return
        accepted.outbox = None
        self._poller.modify(accepted.fd, READABLE | EDGE)
        state = accepted.state_after
        if state == CLOSING:
            self.close(accepted)
        elif state == READY:
            self._serve(accepted)
        elif not accepted.unread:
            accepted.wait = SERVED
            self._park(accepted, state)
        else:
            self.receive(accepted)

    def _drop(self, accepted: Accepted) -> None:
        """Close without ceremony: the client is gone, or has been given up."""
        accepted.connection.lingers = False
        self.close(accepted)

    def _take_up_postponed(self) -> None:
        accepted = self._deferred.take()
        is_ready = accepted.connection.state == READY or self._read(accepted)
        self._deferred.pass_on()
        if is_ready:
            self._serve(accepted)

    # Deadlines.

    def sweep(self, now: float) -> None:
        """Give up on who took too long, and accept again when there may be room."""
        with self._lock:
            self.next_sweep = FOR_EVER
        if now >= self._next_scan:
            self._scan(now)
        self._acceptor.resume()
        self.sweep_by(self._next_scan)

    def _scan(self, now: float) -> None:
        with self._lock:
            self._next_scan = FOR_EVER
        nearest = FOR_EVER
        for accepted in list(self._parked.values()):
            if accepted.deadline > now:
                nearest = min(nearest, accepted.deadline)
            elif self._take(accepted):
                self._expire(accepted, now)
        self._scan_by(max(nearest, now + _SWEEP_PAUSE))

    def _scan_by(self, moment: float) -> None:
        with self._lock:
            self._next_scan = min(self._next_scan, moment)
        self.sweep_by(moment)

    def sweep_by(self, moment: float) -> None:
        """Sweep at that moment, or earlier."""
        with self._lock:
            if moment >= self.next_sweep:
                return
            self.next_sweep = moment
        self.on_earlier_sweep()

    def _expire(self, accepted: Accepted, now: float) -> None:
        if accepted.deadline > now:  # another thread has served it in between
            self._wait_for(accepted, accepted.wait)
        elif accepted.wait in (WRITING, LINGERING):
            self._drop(accepted)
        elif accepted.connection.state == IDLE and accepted.has_spoken():
            self.receive(accepted)  # it came while the worker was held up, or crossed the deadline
        elif accepted.connection.expire() == READY:
            self._serve(accepted)
        else:
            self.close(accepted)
