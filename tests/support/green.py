"""A worker with greenlets, and an event loop for it whose time is a test's.

The loop runs in a greenlet, as those of gevent and eventlet do.  Its clock moves on when there is
nothing else to do, so a request that sleeps for an hour is over at once.
"""

import heapq
import select
from collections import deque
from itertools import count

import greenlet
from support.fake_arbiter import FakeClock
from support.reactors import Lines

from hookserve.protocol.seam import CLOSING, Protocol, RequestCancelled
from hookserve.reactor.green import GreenWorker

_MOST_TURNS = 20_000


class Hub:
    """Callbacks, then descriptors, then timers; what they raise is kept in `errors`."""

    def __init__(self, clock):
        self.clock = clock
        self.greenlet = greenlet.greenlet(self._run)
        self.errors = []
        self._callbacks, self._timers, self._numbers = deque(), [], count()
        self._watchers = {}
        self._poll = select.poll()

    def call_later(self, seconds, callback):
        """Returns a function that cancels it."""
        entry = [self.clock() + seconds, next(self._numbers), callback]
        if seconds:
            heapq.heappush(self._timers, entry)
        else:
            self._callbacks.append(entry)

        def cancel():
            entry[2] = lambda: None
            if entry in self._timers:  # a cancelled timer does not move the clock
                self._timers.remove(entry)
                heapq.heapify(self._timers)

        return cancel

    def watch(self, fd, event, callback):
        self._watchers[fd] = callback
        self._poll.register(fd, event)

    def unwatch(self, fd):
        if self._watchers.pop(fd, None):
            self._poll.unregister(fd)

    def _run(self):
        for _ in range(_MOST_TURNS):
            batch, self._callbacks = self._callbacks, deque()
            ready = [self._watchers[fd] for fd, _ in self._poll.poll(0)]
            due = []
            while self._timers and self._timers[0][0] <= self.clock():
                due.append(heapq.heappop(self._timers))
            if not (batch or ready or due):
                assert self._timers, "every greenlet waits for ever"
                self.clock.now = self._timers[0][0]
            for callback in (*(each[2] for each in batch), *ready, *(each[2] for each in due)):
                self._call(callback)
        raise AssertionError("the loop runs hot")

    def _call(self, callback):
        try:
            callback()
        except Exception as error:
            self.errors.append(error)


class HubWorker(GreenWorker):
    """The primitives by `Hub`; `application` is called with each line, in its greenlet."""

    def __init__(self, context):
        super().__init__(context)
        self.hub = Hub(FakeClock())
        self.clock = self.hub.clock
        self.current, self.switch_to_hub = greenlet.getcurrent, self.hub.greenlet.switch
        self.spawned = []

    def spawn(self, body, task):
        self.spawned.append(greenlet.greenlet(body, parent=self.hub.greenlet))
        self.spawned[-1].switch(task)

    def watch(self, fd, callback):
        self.hub.watch(fd, select.POLLIN, callback)

    def call_later(self, seconds, callback):
        return self.hub.call_later(seconds, callback)

    def wait_for(self, fd, event, seconds):
        wake = self.current().switch
        self.hub.watch(fd, event, lambda: wake(True))
        cancel = self.hub.call_later(seconds, lambda: wake(False))
        try:
            return self.switch_to_hub()
        finally:
            self.hub.unwatch(fd)
            cancel()

    def sleep(self, seconds):
        """Sleep in a greenlet; it is woken as by another greenlet, in the hub's next turn."""
        wake = self.current().switch
        cancel = self.hub.call_later(seconds, lambda: self.hub.call_later(0.0, wake))
        try:
            self.switch_to_hub()
        finally:
            cancel()

    def end_greenlets(self):
        """As the end of the process would."""
        self.fail = lambda error: None
        for each in (*self.spawned, self.hub.greenlet):
            if each and not each.dead:
                each.parent = greenlet.getcurrent()
                each.throw()


class Requests(Lines):
    """Each line is a request, which the worker's `application` is called with before the echo."""

    __slots__ = ("worker",)

    def __init__(self, worker):
        super().__init__()
        self.worker = worker

    def run(self, transport):
        line = self.buffer.partition(b"\n")[0]
        request_slot = self.worker.begin(line)
        try:
            self.worker.application(line)
            return super().run(transport)
        except RequestCancelled as error:
            transport.send(f"{error}\n".encode())
            self.state = CLOSING
            return CLOSING
        finally:
            self.worker.end(request_slot, 2, 0)


class LineProtocol(Protocol):
    """Describes requests as they came."""

    def connect(self, address):
        return Lines()


def run_for(worker, seconds):
    """Step until that time has passed; a request that begins may end a step early."""
    until = worker.clock() + seconds
    while worker.clock() < until:
        worker.step(until - worker.clock())
