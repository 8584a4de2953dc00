"""What a sync worker cannot do itself while its application has taken a connection over.

The application may wait for its client as long as it likes, in the main thread.  A thread beside it
gives the sign of life, tells the application that the worker is about to stop, and cuts the
connection when the time for that is over.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

from hookserve.reactor.poller import is_readable

if TYPE_CHECKING:
    from hookserve.reactor.worker import ReactorWorker

_PAUSE = 0.2
_NUDGE = signal.SIGIO
"""Its handler looks for messages of the arbiter, and does nothing where there is none."""


class Attendant:
    """Attends to a worker whenever it has connections that are taken over."""

    def __init__(self, worker: ReactorWorker) -> None:
        self._worker = worker
        self._takeovers = worker.reactor.takeovers
        self._wanted = threading.Event()
        self._pause = threading.Event()
        threading.Thread(target=self._run, name="sync-attendant", daemon=True).start()

    def attend(self) -> None:
        """Attend until no connection is taken over any more."""
        self._wanted.set()

    def _run(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            signal.siginterrupt(_NUDGE, True)
            while self._takeovers and self._worker.alive:
                self._worker.notify()
                self._nudge()
                self._pause.wait(_PAUSE)
            if self._takeovers:
                self._drain()
            signal.siginterrupt(_NUDGE, False)

    def _drain(self) -> None:
        worker, config = self._worker, self._worker.config
        began = worker.clock()
        while self._takeovers:
            now = worker.notify()
            limit = config.quick_timeout if worker.is_quick else config.graceful_timeout
            self._takeovers.drain(now, began + limit)
            self._pause.wait(_PAUSE)

    def _nudge(self) -> None:
        """Have the main thread leave its system call if a signal has arrived: the handlers in
        Python run there, and not before."""
        ident = threading.main_thread().ident
        if ident is not None and is_readable(self._worker.wakeup):
            signal.pthread_kill(ident, _NUDGE)
