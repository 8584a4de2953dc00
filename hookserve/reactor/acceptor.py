"""Accepting: as many connections as there is room for, and none that a sibling should have.

Of the workers that wait for a listener the kernel wakes the one that has waited longest, one for
each connection that arrives.  So a worker that has accepted some registers its listeners again,
which makes it the last in line.  A worker with clearly more connections than a sibling yields: it
stops listening, notifies the sibling, and listens again when it is notified itself, or a moment
later if the sibling does not respond.

Where all places are taken the connection that has been idle longest is evicted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.balancing import IMBALANCE_THRESHOLD, YIELD_TIMEOUT, Siblings
from hookserve.reactor.poller import EDGE, EXCLUSIVE, is_readable
from hookserve.system.calls import make_lock

if TYPE_CHECKING:
    from hookserve.listeners.listener import Listener
    from hookserve.protocol.seam import Connection
    from hookserve.reactor.connections import Connections
    from hookserve.reactor.loop import Loop
    from hookserve.worker.base import Worker

_IN_A_ROW = 16
"""So many connections are accepted before the worker registers again, behind its siblings."""
_LONG_IDLE = 0.2
"""A client that has been idle for so many seconds will hardly send its next request right now."""


class Acceptor:
    """Accepts from the listeners of one worker into `connections`; several threads may at once.

    `on_accepted` is called with each new connection, and `on_backlog` instead while the worker
    stops.  `evict` closes an idle connection unless it is idle no more.  At most `batch`
    connections are accepted in a row; -1: as many as is reasonable.
    """

    def __init__(
        self,
        worker: Worker,
        connections: Connections,
        loop: Loop,
        on_accepted: Callable[[Accepted], None],
        on_backlog: Callable[[Accepted], None],
        evict: Callable[[Accepted], None],
        batch: int,
    ) -> None:
        self.is_full = False
        """Whether accepting has stopped because there are as many connections as there may be."""
        self.make: Callable[[int, Connection], Accepted] = Accepted
        """Called with a descriptor and the protocol's side of it."""
        self._worker = worker
        self._connections = connections
        self._open = connections.open
        self._loop = loop
        self._on_accepted = on_accepted
        self._on_backlog = on_backlog
        self._evict = evict
        self._budget = batch if batch > 0 else _IN_A_ROW
        self._siblings = Siblings(worker.context.scoreboard, worker.context.slot)
        self._limit: int = worker.config.worker_connections
        self._accepting: tuple[Listener, ...] = ()
        """The listeners that are registered; none, or all of the worker's that are not retired."""
        self._backlog: list[Listener] = []
        """While the worker stops: the listeners whose queue it has to serve."""
        self._entering: list[Listener] = []
        """As many as threads are accepting at this moment."""
        self._lock = make_lock()
        """Guards `_accepting`."""
        self._accept_lock = make_lock()
        """Two threads must not both find the last place free."""
        self._accepted_in_a_row = 0
        self._yields_until = 0.0
        """Until then new connections are yielded to a sibling (monotonic seconds)."""
        if self._siblings.wakeup_fd >= 0:
            loop.watch(self._siblings.wakeup_fd, self._on_notified, EDGE)

    def start(self) -> None:
        """Accept from all listeners, unless that is done already or the worker is stopping."""
        with self._lock:
            if self._accepting or not self._worker.alive:
                return
            self.is_full = False
            self._accepting = ()
            for listener in self._worker.listeners:
                if not self._register(listener):
                    return

    def stop(self) -> None:
        """Leave new connections to the siblings."""
        with self._lock:
            self._unregister_all()

    def close(self) -> None:
        """Stop for good.  Where no other worker will accept, all that waits is accepted first;
        `accept_backlog` goes on with that while there are no descriptors."""
        self.stop()
        for listener in self._worker.listeners:
            if self._worker.serves_backlog(listener):
                self._backlog.append(listener)
                continue
            # The kernel may just have woken this worker for a connection, and no other then.
            accepted = self._accept_one(listener)
            if accepted is not None:
                self._on_backlog(accepted)
            listener.close()
        self.accept_backlog()

    def accept_backlog(self) -> None:
        """Accept what no other worker would; try again later where there is no descriptor."""
        for listener in list(self._backlog):
            while (accepted := self._accept_one(listener)) is not None:
                self._on_backlog(accepted)
            if not self._is_paused():
                self._backlog.remove(listener)
                listener.close()
        if self._backlog:
            self._loop.sweep_by(self._worker.accepts_again_at)

    @property
    def has_backlog(self) -> bool:
        """Whether connections may be left to accept, or a thread is accepting one."""
        return bool(self._backlog or self._entering)

    def resume(self) -> None:
        """Accept again if there is no reason left why that has stopped."""
        if self._backlog and not self._is_paused():
            self.accept_backlog()
        moment = max(self._worker.accepts_again_at, self._yields_until)
        if moment > self._worker.clock():
            self._loop.sweep_by(moment)
        elif self.is_full:
            self.resume_if_room()
        else:
            self.start()

    def resume_if_room(self) -> None:
        """Accept again if there is room by now, or can be made; else check again when it can."""
        if len(self._open) < self._limit or self._find_evictable() is not None:
            self.start()
            return
        now = self._worker.clock()
        for accepted in self._connections.idle():
            self._loop.sweep_by(max(accepted.since, now - _LONG_IDLE / 2) + _LONG_IDLE)
            return

    def _is_paused(self) -> bool:
        """Whether there was no descriptor for a connection a moment ago."""
        return self._worker.accepts_again_at > self._worker.clock()

    def _on_notified(self) -> None:
        """A sibling yields a connection to this worker, which the kernel has not woken for it."""
        if self._siblings.has_more(len(self._open)):  # else it was accepted already
            self._yields_until = 0.0
            self.resume()
        for listener in self._accepting:
            self._accept_from(listener)
        if self._worker.alive and not self.is_full and not self._is_paused():
            self._siblings.acknowledge()

    def _accept_from(self, listener: Listener) -> None:
        for _ in range(self._budget):
            with self._accept_lock:
                accepted = self._accept_next(listener)
            if accepted is None:
                break
            self._on_accepted(accepted)
        if self._accepted_in_a_row >= _IN_A_ROW:
            self._register_again(listener)
        if self._is_paused():
            self.stop()
            self._loop.sweep_by(self._worker.accepts_again_at)
        elif accepted is None and listener.refuses_new_connections:
            self._unregister(listener)

    def _accept_next(self, listener: Listener) -> Accepted | None:
        """Accept one connection; `None` when none waits, or a sibling or a later moment has it."""
        if not self._accepting:
            return None
        count = len(self._open)
        if count >= IMBALANCE_THRESHOLD:
            count -= self._worker.requests_in_flight
            sibling = self._siblings.least_loaded(count)
            if sibling >= 0:
                self._yield_to(sibling, count, listener)
                return None
        return self._accept_with_room(listener)

    def _yield_to(self, sibling: int, count: int, listener: Listener) -> None:
        """Leave what waits to be accepted to a sibling that has clearly fewer connections."""
        if not is_readable(listener.fileno()):
            self._register_again(listener)
            return
        self.stop()
        self._siblings.notify(sibling, count)
        self._yields_until = self._worker.clock() + YIELD_TIMEOUT
        self._loop.sweep_by(self._yields_until)

    def _register(self, listener: Listener) -> bool:
        """Wait for its new connections; where the kernel has no memory for that (epoll_ctl(2)),
        for no listener's until a moment later, and false."""
        try:
            self._loop.watch(listener.fileno(), partial(self._accept_from, listener), EXCLUSIVE)
        except OSError as error:
            self._unregister_all()
            self._worker.pause_accepting(error)
            self._loop.sweep_by(self._worker.accepts_again_at)
            return False
        self._accepting = (*self._accepting, listener)
        return True

    def _unregister_all(self) -> None:
        for listener in self._accepting:
            self._loop.unwatch(listener.fileno())
        self._accepting = ()

    def _unregister(self, listener: Listener) -> None:
        """Wait no more for a listener that is retired: once it is ended, the kernel reports it as
        readable for ever.  What is left in its queue is accepted when the worker stops."""
        with self._lock:
            self._unwatch(listener)

    def _unwatch(self, listener: Listener) -> bool:
        """Wait for it no more; returns whether it was registered until now."""
        if listener not in self._accepting:
            return False
        self._loop.unwatch(listener.fileno())
        self._accepting = tuple(each for each in self._accepting if each is not listener)
        return True

    def _register_again(self, listener: Listener) -> None:
        """Be the last of those that the kernel wakes."""
        self._accepted_in_a_row = 0
        with self._lock:
            if self._unwatch(listener):
                self._register(listener)

    def _accept_with_room(self, listener: Listener) -> Accepted | None:
        """Accept one connection, in the place of an idle one where all are taken."""
        evictable = None
        if len(self._open) >= self._limit:
            evictable = self._find_evictable()
            if evictable is None:
                self._on_full()
                return None
        accepted = self._accept_one(listener) if self._worker.alive else None
        if accepted is not None and evictable is not None:
            self._evict(evictable)
        return accepted

    def _find_evictable(self) -> Accepted | None:
        """The connection that has been idle longest, unless its client may be sending its next
        request: something can be read, or it became idle a moment ago."""
        idle_since = self._worker.clock() - _LONG_IDLE
        for accepted in self._connections.idle():
            if accepted.since > idle_since:
                return None
            if not accepted.is_readable():
                return accepted
        return None

    def _on_full(self) -> None:
        """No connection can be evicted: new ones wait, or a sibling accepts them."""
        self.is_full = True
        self.stop()
        # A thread that made room a moment ago has not seen that it is wanted.
        self.resume_if_room()

    def _accept_one(self, listener: Listener) -> Accepted | None:
        self._entering.append(listener)
        try:
            found = self._worker.accept(listener)
            if found is None:
                return None
            accepted = self.make(*found)
            self._open[accepted.fd] = accepted
        finally:
            self._entering.pop()
        self._worker.count_open(len(self._open))
        self._accepted_in_a_row += 1
        return accepted
