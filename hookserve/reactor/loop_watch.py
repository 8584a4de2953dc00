"""How long a loop is blocked, and by what: an event loop, or the hub of greenlets.

A thread asks the loop for a sign of life several times within the limit, and reads the stack of the
loop's thread when none has come.  It does so while requests run; it sleeps, and the loop with it,
while there are none.

The thread, and what it waits by, are real ones where a library has patched those of the standard
library: what is a greenlet there would be blocked with the rest.
"""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from logging import Logger
from time import monotonic
from typing import TYPE_CHECKING, cast

from hookserve.reactor.stacks import locate
from hookserve.system.calls import get_ident, make_lock, start_thread
from hookserve.worker.wakeup import Wakeup

if TYPE_CHECKING:
    from hookserve.worker.context import WorkerContext

LAG_SETTING, LAG_OPTION = "loop_lag_warning", "--loop-lag-warning"
"""The setting of the plugin `asyncio` that has the limit."""
LAG_FIELD = "loop_lag_seconds"
"""The field of the scoreboard that shows the lag, which that plugin declares."""
_LOOKS = 4
"""How often within the limit."""
_HELD = (
    "the event loop has been blocked for %.1f s by one call into C code that holds the interpreter"
    " (%s)"
)


def lag_cell(context: WorkerContext) -> memoryview[float] | None:
    """Where the lag is shown; `None` in a scoreboard that could not be made anew for it."""
    if LAG_FIELD not in context.scoreboard.layout.field_words:
        return None
    return cast("memoryview[float]", context.slot.cells(LAG_FIELD))


class _Flag:
    """As `threading.Event`, for one thread that waits; never patched."""

    def __init__(self) -> None:
        self._lock = make_lock()
        self._lock.acquire()

    def is_set(self) -> bool:
        return not self._lock.locked()

    def set(self) -> None:
        with contextlib.suppress(RuntimeError):  # it is set already
            self._lock.release()

    def clear(self) -> None:
        self._lock.acquire(blocking=False)

    def wait(self) -> None:
        self._lock.acquire()
        self.set()

    def wait_for(self, seconds: float) -> None:
        if self._lock.acquire(timeout=seconds):
            self.set()


class LoopWatch(ABC):
    """Tells each time that a loop was blocked for longer than `limit` seconds.

    `setting` is the option that has set the limit, for the messages.
    `is_busy` tells whether the worker has something to do; it is called in the watching thread.
    """

    def __init__(self, limit: float, is_busy: Callable[[], bool], setting: str) -> None:
        self._setting = setting
        self._limit = limit
        self._is_busy = is_busy
        self._wakeup = _Flag()
        self._never = _Flag()
        self._thread = get_ident()
        self._seen = 0.0
        """When the loop has given the last sign of life."""
        self._cell: memoryview[float] | list[float] = [0.0]

    def start(self, cell: memoryview[float] | None = None) -> None:
        """Start the thread, which stores in `cell` how late the loop is, in seconds."""
        if cell is not None:
            self._cell = cell
        start_thread(self._run, ())

    def wake(self) -> None:
        """There is something to do."""
        if not self._wakeup.is_set():
            self._wakeup.set()

    @abstractmethod
    def ask(self) -> None:
        """Have `answer` called in the loop, from the watching thread; raises RuntimeError when
        there is no loop any more."""

    @abstractmethod
    def on_blocked(self, seconds: float, place: str) -> None:
        """The loop is blocked for so long by what runs at that place."""

    @abstractmethod
    def warn(self, message: str, *values: object) -> None:
        """A line for the log."""

    def answer(self) -> None:
        """In the loop: a sign of life."""
        self._seen = monotonic()

    def _run(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while True:
                self._wakeup.wait()
                self._watch()

    def _watch(self) -> None:
        """Watch the loop until there is nothing to do."""
        self._seen = monotonic()
        interval = self._limit / _LOOKS
        while True:
            asked = monotonic()
            self.ask()
            self._pause(interval)
            late = monotonic() - asked - interval
            if self._seen < asked:
                self._cell[0] = monotonic() - asked
                if monotonic() - self._seen > self._limit:
                    self._report(asked)
                continue
            self._cell[0] = self._seen - asked
            if late > self._limit:
                self._cell[0] = late
                self.warn(_HELD, late, self._setting)
            self._wakeup.clear()  # before the look: what begins after it wakes this thread again
            if not self._is_busy():
                self._cell[0] = 0.0
                return

    def _report(self, asked: float) -> None:
        """The loop is blocked at this moment: say so, and wait until it is not."""
        place = locate(sys._current_frames().get(self._thread))
        self.on_blocked(monotonic() - self._seen, place)
        while self._seen < asked:
            self._pause(self._limit / _LOOKS)
            self._cell[0] = monotonic() - asked

    def _pause(self, seconds: float) -> None:
        self._never.wait_for(seconds)


class HubMonitor(LoopWatch):
    """Watches a hub of greenlets.

    The locks of the log are the library's, and a real thread must not wait for them: what is to be
    said is kept until the hub runs again, and `on_messages` is called there.
    """

    def __init__(
        self,
        limit: float,
        is_busy: Callable[[], bool],
        setting: str,
        on_messages: Callable[[], object],
    ) -> None:
        super().__init__(limit, is_busy, setting)
        self._on_messages = on_messages
        self._asked = Wakeup()
        self._messages: deque[tuple[object, ...]] = deque()

    def fileno(self) -> int:
        """Readable in the hub when `on_readable` is to be called."""
        return self._asked.fileno()

    def after_fork(self) -> None:
        """In a child that the application has forked, which has no watching thread: leave the signs
        of life, and what is to be logged, to the parent."""
        self._asked.replace()
        self._messages.clear()

    def on_readable(self) -> None:
        """In the hub."""
        self._asked.clear()
        self.answer()
        if self._messages:
            self._on_messages()

    def log_messages(self, log: Logger) -> None:
        """Log what has been kept."""
        while self._messages:
            log.warning(*self._messages.popleft())

    def ask(self) -> None:
        """As `LoopWatch.ask`."""
        self._asked.notify()

    def warn(self, message: str, *values: object) -> None:
        """As `LoopWatch.warn`: when the hub runs again."""
        self._messages.append((message, *values))

    def on_blocked(self, seconds: float, place: str) -> None:
        """As `LoopWatch.on_blocked`."""
        self.warn(
            "the event loop was blocked for more than %.1f s at %s (%s; run what blocks in the"
            " library's pool of threads)",
            seconds,
            place,
            self._setting,
        )
