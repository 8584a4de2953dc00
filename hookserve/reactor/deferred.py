"""The connections that have had their share and let others have their turn."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from hookserve.worker.wakeup import Wakeup

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted


class DeferredQueue:
    """A queue of which one connection at a time is taken up, in a turn of its own.

    The poller tells of it like of a client: no loop has to ask, and with several threads whichever
    is free takes it.  One at a time, because what takes long here is Python code: two threads at
    it are no faster, and each third that wants to answer a quick request would wait for the
    interpreter behind both, at every system call.
    """

    def __init__(self) -> None:
        self._queue: deque[Accepted] = deque()
        self._bell = Wakeup()
        self._baton = threading.Lock()
        """Held while the bell rings and until what it rang for has been read."""

    def fileno(self) -> int:
        """Readable, and an edge, when `take` is to be called."""
        return self._bell.fileno()

    def add(self, accepted: Accepted) -> None:
        """Queue a connection that the caller owns."""
        self._queue.append(accepted)
        self._ring()

    def take(self) -> Accepted:
        """The next; nobody else gets one until `pass_on` is called."""
        self._bell.clear()
        return self._queue.popleft()

    def pass_on(self) -> None:
        """Let the next be taken: what could take long is over, or about to begin elsewhere."""
        self._baton.release()
        self._ring()

    def _ring(self) -> None:
        # In this order, here and in the two callers, nobody is forgotten: who finds the baton
        # taken has queued already, and whoever lays it down looks into the queue afterwards.
        if self._queue and self._baton.acquire(blocking=False):
            self._bell.notify()
