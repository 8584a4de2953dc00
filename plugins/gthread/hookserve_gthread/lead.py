"""The lead in a pool of threads: who has it waits for events, everybody else waits for it.

Threads that all waited for events would come back with one each and then queue for the
interpreter.  Who runs Python lets go of it in each system call and takes it back before another has
woken up, until the switch interval of 5 ms is over (`sys.setswitchinterval`): of eight threads with
quick requests one works, and each of the others holds a client up for as many intervals.

So a thread keeps the lead while its requests are quick, and they cost what they would with one
thread.  Where requests wait for something the lead is given up before each, and as many run at once
as there are threads.  Between the two is the watch of the main thread: it takes the lead from who
has been at one event for a moment while other clients wait, and passes it on.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from math import inf
from time import monotonic

from hookserve.reactor.poller import READABLE, Event, make_poller

_MOMENT = 0.001
_BUSY = 4
"""Events in a moment from which on the watch goes on."""
_RESTS_UNWATCHED = 64
_QUICK = 0.001
_SLOW_WEIGHT, _SLOW_MOST = 8, 64
"""A request that is not quick has the lead given up before the next eight, as far as they are quick
themselves: always, where more than one in nine is slow."""


class Lead:
    """Of one pool.  `wakeup` ends the main thread's wait, as do events of the poller, whose
    descriptor is given, that come while the leader is at another."""

    def __init__(self, wakeup: int, poller: int) -> None:
        self.term = 0
        """Changes whenever the lead changes hands."""
        self.events: deque[Event] = deque()
        """Those that a leader has found and nobody has begun to deal with."""
        self._vacancy = threading.Lock()
        """Held by the leader, or in its name."""
        self._guard = threading.Lock()
        self._progress = self._seen = self._rests = 0
        self._slowness = 0
        self._is_serving = False
        self._is_watched = False
        self._poller = poller
        self._watch = make_poller()
        self._watch.register(wakeup, READABLE)
        self._watch.register(poller, 0)

    # In the pool's threads.

    def take(self) -> int:
        """Wait for the lead; the term that begins."""
        self._vacancy.acquire()
        return self.term

    def give_up(self, term: int) -> None:
        """Let another lead, unless that is so already."""
        with self._guard:
            if self.term == term and self._vacancy.locked():
                self.term += 1
                self._vacancy.release()

    def rest(self) -> None:
        """The leader is about to wait for events."""
        self._is_serving = False
        if not self._is_watched:
            self._rests += 1
            # Once in so many times the next event calls the main thread whatever happens: where
            # there are many, its watch is cheaper than to arm it for each.
            if self._rests % _RESTS_UNWATCHED:
                self._watch.modify(self._poller, 0)

    def serve(self) -> None:
        """The leader has events to deal with."""
        self._is_serving = True
        if not self._is_watched:
            self._watch.modify(self._poller, READABLE)

    def hand_out(self, term: int) -> Iterator[Event]:
        """One event after the other, while that term lasts; each is dealt with before the next."""
        events = self.events
        before = monotonic()
        while self.term == term and events:
            try:
                event = events.popleft()
            except IndexError:  # one who has just lost the lead was faster
                return
            if self._slowness:
                self.give_up(term)
            yield event
            now = monotonic()
            # Several threads may count at once, and one of them in vain: it is an estimate.
            self._progress += 1
            if now - before > _QUICK:
                self._slowness = min(self._slowness + _SLOW_WEIGHT, _SLOW_MOST)
            elif self._slowness:
                self._slowness -= 1
            before = now

    # In the main thread.

    def watch(self, pause: float) -> None:
        """Wait for the wakeup, at most so many seconds, and take the lead from who takes long."""
        if not self._is_watched:
            ready = self._watch.poll(None if pause == inf else pause)
            if any(fd == self._poller for fd, _ in ready):
                self._is_watched = True
                self._watch.modify(self._poller, 0)
                self._seen = self._progress
            return
        self._watch.poll(min(pause, _MOMENT))
        progress = self._progress - self._seen
        self._seen += progress
        if self._is_serving:
            if not progress:
                self.give_up(self.term)
        elif progress < _BUSY:
            self._is_watched = False
            if self._is_serving:  # since just now, and the leader has relied on the watch
                self._watch.modify(self._poller, READABLE)
