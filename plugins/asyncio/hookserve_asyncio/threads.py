"""Threads for applications that block: those of WSGI.

The loop's thread drives the connections, and hands over those whose request is ready.  While every
thread is busy it polls for no client, so that new connections are left to sibling workers; what was
ready before waits in the queue.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING

from hookserve.errors import BootError

if TYPE_CHECKING:
    from hookserve.reactor.accepted import Accepted
    from hookserve.reactor.worker import ReactorWorker

_BUSY = 8
"""After so many exchanges without a wait a thread calls the listeners of worker_idle too."""


class ThreadPool:
    """So many threads that run exchanges; `on_room` is called in one of them, once there is a
    thread to spare after `is_full` was true."""

    def __init__(self, worker: ReactorWorker, size: int, on_room: Callable[[], object]) -> None:
        self._worker = worker
        self._size = size
        self._on_room = on_room
        self._queue: SimpleQueue[Accepted] = SimpleQueue()
        self._lock = threading.Lock()
        """Guards `_busy` and `_is_awaited`."""
        self._busy = 0
        self._is_awaited = False

    def start(self) -> None:
        """Start the threads; raises BootError when the system has no further one."""
        for number in range(self._size):
            name = f"asyncio-{number}"
            try:
                threading.Thread(target=self._work, name=name, daemon=True).start()
            except RuntimeError as error:
                raise BootError(
                    f"cannot start thread {number + 1} of {self._size}: {error} (lower"
                    " --threads, or raise the limit on processes)"
                ) from error

    def serve(self, accepted: Accepted) -> None:
        """Have a thread run the exchange; from any thread."""
        with self._lock:
            self._busy += 1
        self._queue.put(accepted)

    @property
    def is_busy(self) -> bool:
        """Whether there is no thread to spare."""
        return self._busy >= self._size

    def awaits_room(self) -> bool:
        """Whether there is no thread to spare, and `on_room` is called when there is."""
        with self._lock:
            self._is_awaited = self._busy >= self._size
            return self._is_awaited

    def _work(self) -> None:
        transport = self._worker.make_transport()
        try:
            for number in count():
                if self._queue.empty() or not number % _BUSY:
                    self._worker.idle()
                self._worker.reactor.exchange(self._queue.get(), transport)
                with self._lock:
                    self._busy -= 1
                    has_room = self._is_awaited and self._busy < self._size
                    self._is_awaited = self._is_awaited and not has_room
                if has_room:
                    with contextlib.suppress(RuntimeError):  # the loop is closed
                        self._on_room()
        except BaseException as error:
            self._worker.fail(error)
