"""The connections that have used up their budget and let other connections come first."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from hookserve.system.calls import make_lock
from hookserve.worker.wakeup import Wakeup

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted


class DeferredQueue:
    """A queue from which one connection at a time is resumed, in a turn of its own.

    The poller reports it like a client: no loop has to check it, and with several threads the
    first free one resumes the next.  One at a time, because what is slow here is Python code:
    two threads at it are no faster, and a third one with a quick request would wait for the
    interpreter behind both, at every system call.
    """

    def __init__(self) -> None:
        self._queue: deque[Accepted] = deque()
        self._wakeup = Wakeup()
        self._lock = make_lock()
        """Held from the notification until the connection that it announces was read."""

    def fileno(self) -> int:
        """Readable, and an edge, when `resume` is to be called."""
        return self._wakeup.fileno()

    def add(self, accepted: Accepted) -> None:
        """Queue a connection that the caller owns."""
        self._queue.append(accepted)
        self._notify()

    def resume(self) -> Accepted:
        """The next connection; no other thread gets one until `release` is called."""
        self._wakeup.clear()
        return self._queue.popleft()

    def release(self) -> None:
        """Let the next be resumed: what could take long is over, or about to begin elsewhere."""
        self._lock.release()
        self._notify()

    def _notify(self) -> None:
        # In this order, here and in the two callers, no connection is forgotten: a thread that
        # finds the lock held has queued already, and the one that releases it checks the queue.
        if self._queue and self._lock.acquire(blocking=False):
            self._wakeup.notify()
