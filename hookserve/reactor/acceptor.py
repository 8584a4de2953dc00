"""Whom a worker lets in: as many as it has room for, or makes room for among those long idle, and
not those that another worker should have.

Of the workers that wait for a listener the kernel wakes the one that has waited for it longest, one
for each connection that comes.  So who has accepted some lines up again, and a worker with clearly
more connections than another that is free leaves who waits to that one: it stops listening, rings
the other's bell, and listens again when its own is rung, or a moment later if the other does not
come.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.balancing import IMBALANCE_THRESHOLD, YIELD_TIMEOUT, Siblings
from hookserve.reactor.poller import EDGE, EXCLUSIVE, is_readable

if TYPE_CHECKING:
    from hookserve.listeners.listeners import Listener
    from hookserve.reactor.reactor import Reactor

_TURN = 16
"""So many connections are accepted before the worker lines up again behind the others."""
_SETTLED = 0.2
"""Who has been silent for so many seconds will hardly send its next request at this moment."""


class Acceptor:
    """The listeners of one worker; several threads may accept at once.

    At most `batch` connections are accepted in a row before those that are open are looked at
    again; -1: as many as is reasonable.
    """

    def __init__(self, reactor: Reactor, batch: int) -> None:
        self.is_full = False
        """Whether accepting has stopped because there are as many connections as there may be."""
        self._reactor = reactor
        self._worker = reactor.worker
        self._budget = batch if batch > 0 else _TURN
        context = reactor.worker.context
        self._siblings = Siblings(context.scoreboard, context.slot)
        self._limit: int = reactor.worker.config.worker_connections
        self._accepting: tuple[Listener, ...] = ()
        self._backlog: list[Listener] = []
        self._entering: list[Listener] = []
        """As many as threads are accepting at this moment."""
        self._lock = threading.Lock()
        self._turnstile = threading.Lock()
        """Two threads must not both find the last place free."""
        self._accepted_in_turn = 0
        self._leaves_until = 0.0
        """Until then who waits is left to another worker, unless that one leaves them, too."""
        if self._siblings.wakeup_fd >= 0:
            reactor.watch(self._siblings.wakeup_fd, self._on_notified, EDGE)

    def start(self) -> None:
        """Accept from all listeners, unless that is done already or the worker is stopping."""
        with self._lock:
            if self._accepting or not self._worker.alive:
                return
            self.is_full = False
            self._accepting = self._worker.listeners
            for listener in self._accepting:
                self._watch(listener)

    def stop(self) -> None:
        """Leave what waits to be accepted to other workers."""
        with self._lock:
            for listener in self._accepting:
                self._reactor.forget(listener.fileno())
            self._accepting = ()

    def close(self) -> None:
        """Stop for good.  Where nobody else will accept, everybody who waits is let in first:
        `take_backlog` goes on with that while there are no descriptors."""
        self.stop()
        for listener in self._worker.listeners:
            if self._worker.serves_backlog(listener):
                self._backlog.append(listener)
                continue
            # The kernel may just have woken this worker for somebody, and then nobody else.
            accepted = self._accept_one(listener)
            if accepted is not None:
                self._reactor.wait_for_head(accepted)
            listener.close()
        self.take_backlog()

    def take_backlog(self) -> bool:
        """Let in whom nobody else would; whether some may be left, or
        another thread is letting somebody in."""
        for listener in list(self._backlog):
            while (accepted := self._accept_one(listener)) is not None:
                self._reactor.wait_for_head(accepted)
            if self.pauses_until is None:
                self._backlog.remove(listener)
                listener.close()
        return bool(self._backlog or self._entering)

    @property
    def pauses_until(self) -> float | None:
        """When accepting is tried again, after there was no descriptor; `None`: it does not
        pause."""
        moment = self._worker.accepts_again_at
        return moment if moment > self._worker.clock() else None

    def resume(self) -> None:
        """Accept again if there is no reason left why that has stopped."""
        moment = max(self._worker.accepts_again_at, self._leaves_until)
        if moment > self._worker.clock():
            self._reactor.sweep_by(moment)
        elif self.is_full:
            self.look_for_room()
        else:
            self.start()

    def _on_notified(self) -> None:
        """A sibling yields a connection to this worker, which the kernel has not woken for it."""
        if self._siblings.has_more(len(self._reactor.open)):
            self._leaves_until = 0.0
            self.resume()
        for listener in self._accepting:
            self._accept_from(listener)
        if self._worker.alive and not self.is_full and self.pauses_until is None:
            self._siblings.acknowledge()

    def _accept_from(self, listener: Listener) -> None:
        for _ in range(self._budget):
            with self._turnstile:
                accepted = None if self._leaves_queue(listener) else self._let_in(listener)
            if accepted is None:
                break
            self._reactor.receive(accepted)
        if self._accepted_in_turn >= _TURN:
            self._line_up_again(listener)
        moment = self.pauses_until
        if moment is not None:
            self.stop()
            self._reactor.sweep_by(moment)

    def _leaves_queue(self, listener: Listener) -> bool:
        """Whether there is nobody to accept now, or who waits is left to another worker."""
        if not self._accepting:
            return True
        count = len(self._reactor.open)
        if count < IMBALANCE_THRESHOLD:
            return False
        count -= self._worker.requests_in_flight
        behind = self._siblings.least_loaded(count)
        if behind < 0:
            return False
        if is_readable(listener.fileno()):
            self.stop()
            self._siblings.notify(behind, count)
            self._leaves_until = self._worker.clock() + YIELD_TIMEOUT
            self._reactor.sweep_by(self._leaves_until)
        else:
            self._line_up_again(listener)
        return True

    def _line_up_again(self, listener: Listener) -> None:
        """Be the last of those that the kernel wakes."""
        self._accepted_in_turn = 0
        with self._lock:
            if self._accepting:
                self._reactor.forget(listener.fileno())
                self._watch(listener)

    def _watch(self, listener: Listener) -> None:
        self._reactor.watch(listener.fileno(), partial(self._accept_from, listener), EXCLUSIVE)

    def _let_in(self, listener: Listener) -> Accepted | None:
        """Accept whoever waits, in the place of another where all are taken; `None` when nobody
        waits or nobody can go."""
        dispensable = None
        if len(self._reactor.open) >= self._limit:
            dispensable = self._find_dispensable()
            if dispensable is None:
                self._give_up()
                return None
        accepted = self._accept_one(listener) if self._worker.alive else None
        if accepted is not None and dispensable is not None:
            self._reactor.evict(dispensable)
        return accepted

    def look_for_room(self) -> None:
        """Accept again if there is room by now, or can be made; look again when it can."""
        if len(self._reactor.open) < self._limit or self._find_dispensable() is not None:
            self.start()
            return
        now = self._worker.clock()
        for _, since in self._reactor.idle():
            self._reactor.sweep_by(max(since, now - _SETTLED / 2) + _SETTLED)
            return

    def _find_dispensable(self) -> Accepted | None:
        """The connection that has been idle longest, unless its client may be sending its next
        request: it has spoken, or fell silent a moment ago."""
        settled = self._worker.clock() - _SETTLED
        for accepted, since in self._reactor.idle():
            if since > settled:
                return None
            if not accepted.has_spoken():
                return accepted
        return None

    def _give_up(self) -> None:
        """Nobody here can go: the queue must wait, or another worker takes it."""
        self.is_full = True
        self.stop()
        # Who made room a moment ago in another thread has not seen that it is wanted.
        self.look_for_room()

    def _accept_one(self, listener: Listener) -> Accepted | None:
        self._entering.append(listener)
        try:
            found = self._worker.accept(listener)
            if found is None:
                return None
            accepted = Accepted(*found)
            self._reactor.open[accepted.fd] = accepted
        finally:
            self._entering.pop()
        self._worker.count_open(len(self._reactor.open))
        self._accepted_in_turn += 1
        return accepted
