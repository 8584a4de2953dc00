"""The reactor of one worker: its connections, driven through their phases by events.

`hookserve.reactor.driver` and `hookserve.reactor.suspension` have what happens to one connection,
`hookserve.reactor.held` what is sent of several at once, this module what goes over all: events,
accepting, draining, deadlines.  Several threads may call `handle_events` at once.

Deadlines are checked together, in a *sweep*: a wait sets two attributes and no timer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hookserve.protocol.seam import READY
from hookserve.reactor.held import HoldingDriver
from hookserve.reactor.phases import KEPT, LINGERING, SILENT, STREAMING, WRITING
from hookserve.reactor.poller import FOR_EVER, READABLE, Event, replace_poller
from hookserve.reactor.suspension import IS_SUSPENDED
from hookserve.reactor.takeover import Takeovers
from hookserve.system.exiting import end_forked_child

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted
    from hookserve.worker.base import Worker

_SWEEP_PAUSE = 0.2


def _nothing(moment: float) -> None:
    pass


def _end_child(timeout: float) -> list[Event]:
    end_forked_child()


class Reactor(HoldingDriver):
    """Drives the connections of `worker`; `serve` is called with each that is ready to run.

    `batch` is the number of events that one `turn` takes from the kernel, -1 for all there are:
    where `serve` hands them on, one, or a pool would be given more than it has threads for.
    """

    def __init__(self, worker: Worker, serve: Callable[[Accepted], None], batch: int = -1) -> None:
        super().__init__(worker, serve, batch)
        self.takeovers = Takeovers(self.open, self._poller, self._handle_pending)
        """The connections that applications have taken over."""

    # The life of a model.

    @property
    def next_sweep(self) -> float:
        """When `sweep` must be called next, in seconds of the monotonic clock."""
        return self.loop.next_sweep

    def fileno(self) -> int:
        """Readable when `turn` has something to do: another loop may wait for it."""
        return self._poller.fileno()

    def serve_by(self, serve: Callable[[Accepted], None]) -> None:
        """Have `serve` called with each connection that is ready; before the first one."""
        self._serve = serve

    def start_accepting(self) -> None:
        """Accept from all listeners."""
        if self.worker.suspends:
            self.suspend_exchanges()
        self._acceptor.start()

    def pause(self) -> float:
        """The longest that the model may wait, in seconds; infinite when nothing is due."""
        beat = self.worker.heartbeat_interval
        left = self.loop.next_sweep - self.worker.clock()
        return max(0.0, left if beat is None else min(left, beat))

    def turn(self, timeout: float) -> None:
        """Wait for events, at most `timeout` seconds, and handle them and what is due."""
        self.handle_events(self.wait(timeout))

    def turn_holding(self, timeout: float) -> None:
        """As `turn`; responses that `exchange_holding` holds go out at its end."""
        self._holds = True
        try:
            self.handle_events(self.wait(timeout))
        finally:
            self._holds = False
            self.send_held()

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
            else:
                self.on_event(accepted, event)
        if now >= self.loop.next_sweep:
            self.sweep(now)

    def abandon(self) -> None:
        """In a child that the application has forked: hold no connection and wait for none.

        The poller is one object for both processes (epoll(7)), so the child gets another under
        its number; the connections' numbers lead nowhere.
        """
        replace_poller(self.fileno())
        nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in list(self.open):
            os.dup2(nowhere, fd, inheritable=False)
        os.close(nowhere)
        self.forget_held()
        self.wait = _end_child
        self.loop.next_sweep = FOR_EVER
        self.loop.sweep_by = _nothing  # type: ignore[method-assign]  # deadlines are the worker's

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
        self.leave_suspended()

    def is_draining(self, deadline: float) -> bool:
        """Whether there is something left to finish, and time for it.

        At a quick stop that is what runs or has arrived: no silent client is waited for.
        """
        if self.worker.clock() >= deadline:
            return False
        if self._acceptor.has_backlog:
            return True
        return self._has_work() if self.worker.is_quick else bool(self.open)

    def _has_work(self) -> bool:
        """Whether an exchange runs, or something has arrived that is not read yet."""
        waiting = list(self._waiting.values())
        return len(self.open) > len(waiting) or any(
            each.phase in IS_SUSPENDED or (each.phase < WRITING and each.is_readable())
            for each in waiting
        )

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

    def _on_deadline(self, accepted: Accepted, now: float) -> None:
        if accepted.deadline > now:  # another thread has served it in between
            self._wait_on(accepted)
        elif accepted.phase in (WRITING, STREAMING, LINGERING):
            self._drop(accepted)
        elif accepted.phase in (SILENT, KEPT) and accepted.is_readable():
            self.receive(accepted)  # it came while the worker was held up, or at the deadline
        else:
            self._expire(accepted)

    def _expire(self, accepted: Accepted) -> None:
        try:
            is_ready = accepted.connection.expire() == READY
        except Exception as error:  # as of feed
            is_ready = self._on_failure(accepted, error)
            if not is_ready:
                return
        if is_ready:
            self._serve(accepted)
        else:
            self.close(accepted)
