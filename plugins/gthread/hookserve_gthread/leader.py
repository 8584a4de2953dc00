"""Leader/followers: the threads of a pool take turns at one poller.

The pattern is Schmidt, O'Ryan, Kircher, Pyarali, Buschmann, "Leader/Followers" (2000), in *Pattern-
Oriented Software Architecture*, volume 2.  One thread, the leader, waits for events; the others,
the followers, wait to become the leader::

    follower ──promoted──▶ leader ──release──▶ processing ──done──▶ follower
                            │    ▲
                            └────┘ quick events: the leader processes them itself

The pattern's leader promotes a follower before each event it processes.  Here that would be slow.
A thread that runs Python releases the interpreter in each system call and takes it back before
another has woken up, until the switch interval of 5 ms is over (`sys.setswitchinterval`): of eight
threads with quick requests one works, and each of the others delays a client by as many intervals.

So a leader keeps its role while its requests are quick, and they cost what they would with one
thread.  Where requests wait for something the leader releases its role before each, and as many
run at once as there are threads.  Between the two stands the *monitor*, the main thread: it takes
the role from a leader that has been at one event for a moment while other clients wait.

Each promotion begins a new *epoch*; a thread that holds an older one leads no more.

=============== ==================================== ========================================
shared          written by                           read by
=============== ==================================== ========================================
`epoch`         a thread that releases, in `_guard`  every thread
`events`        the leader; a former leader may pop  the leader
`_role`         released in `_guard`, acquired by the follower that is promoted
`_progress`     every thread that has processed an event; an estimate, read by the monitor
`_slowness`     the same; an estimate, read by the leader
`_is_busy`      the leader                           the monitor
`_is_monitored` the monitor                          the leader, the monitor
`_waits`        the leader                           the leader
`_seen`         the monitor                          the monitor
=============== ==================================== ========================================
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from math import inf
from time import monotonic

from hookserve.reactor.poller import READABLE, Event, make_poller
from hookserve.system.calls import LONGEST_WAIT, make_lock

_MOMENT = 0.001
_BUSY = 4
"""Events in a moment from which on the monitor stays awake."""
_WAITS_UNMONITORED = 64
_QUICK = 0.001
_SLOW_WEIGHT, _MOST_SLOWNESS = 8, 64
"""After a request that is not quick the role is released before the next eight, as far as they are
quick themselves: always, where more than one in nine is slow."""


class Leadership:
    """The role of the leader in one pool.

    `wakeup` and `poller` are descriptors: the monitor's wait is ended by the first, and by events
    of the second that come while the leader processes another.
    """

    def __init__(self, wakeup: int, poller: int) -> None:
        self.epoch = 0
        """Changes whenever the role changes hands."""
        self.events: deque[Event] = deque()
        """Those that a leader has found and no thread processes yet."""
        self._role = make_lock()
        """Held by the leader, or in its name."""
        self._guard = make_lock()
        self._progress = self._seen = self._waits = 0
        self._slowness = 0
        self._is_busy = False
        self._is_monitored = False
        self._poller = poller
        self._monitor = make_poller()
        self._monitor.register(wakeup, READABLE)
        self._monitor.register(poller, 0)

    # In the pool's threads.

    def acquire(self) -> int:
        """Wait until this thread is promoted; returns the epoch that begins."""
        self._role.acquire()
        return self.epoch

    def release(self, epoch: int) -> None:
        """Have a follower promoted, unless that has happened since the epoch began."""
        with self._guard:
            if self.epoch == epoch and self._role.locked():
                self.epoch += 1
                self._role.release()

    def before_wait(self) -> None:
        """The leader is about to wait for events."""
        self._is_busy = False
        if not self._is_monitored:
            self._waits += 1
            # Once in so many times the next event wakes the monitor in any case: where there are
            # many, its being awake is cheaper than to arm it for each.
            if self._waits % _WAITS_UNMONITORED:
                self._monitor.modify(self._poller, 0)

    def after_wait(self) -> None:
        """The leader has events to process."""
        self._is_busy = True
        if not self._is_monitored:
            self._monitor.modify(self._poller, READABLE)

    def dispatch(self, epoch: int) -> Iterator[Event]:
        """One event after the other, while that epoch lasts; each is processed before the next."""
        events = self.events
        before = monotonic()
        while self.epoch == epoch and events:
            try:
                event = events.popleft()
            except IndexError:  # a thread that leads no more was faster
                return
            if self._slowness:
                self.release(epoch)
            yield event
            now = monotonic()
            # Several threads may count at once, and one of them in vain: it is an estimate.
            self._progress += 1
            if now - before > _QUICK:
                self._slowness = min(self._slowness + _SLOW_WEIGHT, _MOST_SLOWNESS)
            elif self._slowness:
                self._slowness -= 1
            before = now

    # In the main thread.

    def monitor(self, pause: float) -> None:
        """Wait for the wakeup, at most so many seconds; release the role of a leader that is slow.

        The monitor sleeps until a client waits while the leader is busy.  From then on it looks
        every moment, until the leader waits for events itself.
        """
        if not self._is_monitored:
            ready = self._monitor.poll(None if pause == inf else min(pause, LONGEST_WAIT))
            if any(fd == self._poller for fd, _ in ready):
                self._is_monitored = True
                self._monitor.modify(self._poller, 0)
                self._seen = self._progress
            return
        self._monitor.poll(min(pause, _MOMENT))
        progress = self._progress - self._seen
        self._seen += progress
        if self._is_busy:
            if not progress:
                self.release(self.epoch)
        elif progress < _BUSY:
            self._is_monitored = False
            if self._is_busy:  # since just now, and the leader has relied on the monitor
                self._monitor.modify(self._poller, READABLE)
