"""How long the event loop is blocked, and by what.

A thread asks the loop for a sign of life several times within the limit, and reads the stack of the
loop's thread when none has come.  It does so while requests run; it sleeps, and the loop with it,
while there are none.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from logging import Logger
from time import monotonic

from hookserve.reactor.stacks import describe_task, locate

_LOOKS = 4
"""How often within the limit."""
_HELD = (
    "the event loop has been blocked for %.1f s by one call into C code that holds the interpreter"
    " (%s)"
)


class LagMonitor:
    """Logs one line each time the loop was blocked for longer than `limit` seconds.

    `setting` is the option that has set the limit, for the messages.
    `is_busy` tells whether the worker has something to do; it is called in the monitor's thread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: float,
        is_busy: Callable[[], bool],
        log: Logger,
        setting: str,
    ) -> None:
        self._loop = loop
        self._setting = setting
        self._limit = limit
        self._is_busy = is_busy
        self._log = log
        self._wakeup = threading.Event()
        self._thread = threading.get_ident()
        self._seen = 0.0
        """When the loop has given the last sign of life."""
        self._cell: memoryview[float] | list[float] = [0.0]

    def start(self, cell: memoryview[float] | None = None) -> None:
        """Start the thread, which stores in `cell` how late the loop is, in seconds."""
        if cell is not None:
            self._cell = cell
        threading.Thread(target=self._run, name="asyncio-lag", daemon=True).start()

    def wake(self) -> None:
        """There is something to do."""
        if not self._wakeup.is_set():
            self._wakeup.set()

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while True:
                self._wakeup.wait()
                self._watch()

    def _watch(self) -> None:
        """Watch the loop until there is nothing to do."""
        self._seen = monotonic()
        pause, interval = threading.Event(), self._limit / _LOOKS
        while True:
            asked = monotonic()
            self._loop.call_soon_threadsafe(self._answer)
            pause.wait(interval)
            late = monotonic() - asked - interval
            if self._seen < asked:
                self._cell[0] = monotonic() - asked
                if monotonic() - self._seen > self._limit:
                    self._report(pause, asked)
                continue
            self._cell[0] = self._seen - asked
            if late > self._limit:
                self._cell[0] = late
                self._log.warning(_HELD, late, self._setting)
            self._wakeup.clear()  # before the look: what begins after it wakes this thread again
            if not self._is_busy():
                self._cell[0] = 0.0
                return

    def _answer(self) -> None:
        self._seen = monotonic()

    def _report(self, pause: threading.Event, asked: float) -> None:
        """The loop is blocked at this moment: log it, and wait until it is not."""
        place = locate(sys._current_frames().get(self._thread))
        task = describe_task(asyncio.current_task(self._loop))
        self._log.warning(
            "the event loop has been blocked for %.1f s by %s at %s (%s; run what blocks in a"
            " thread: asyncio.to_thread)",
            monotonic() - self._seen,
            task,
            place,
            self._setting,
        )
        while self._seen < asked:
            pause.wait(self._limit / _LOOKS)
            self._cell[0] = monotonic() - asked
