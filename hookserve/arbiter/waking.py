"""A signal that another thread has taken wakes the main thread of an auxiliary process.

The kernel hands a signal to any thread that does not hold it back, and Python runs its handler in
the main thread alone: one that sleeps would run it when the sleep is over.  A signal that comes
just before the sleep is late in the same way.  So a thread reads the wake-up descriptor, which the
interpreter writes to in whichever thread, and interrupts the main one.
"""

from __future__ import annotations

import os
import signal

from hookserve.arbiter.signals import Blocked
from hookserve.system.calls import get_ident, read, set_signal, sleep, start_thread

_SIGNAL = signal.SIGURG
"""Of no use to anything else here; by default it is ignored, as by a program that is executed."""
_PAUSE = 0.02
_ATTEMPTS = 50
"""The first may come just before the sleep; none has an effect while C code runs."""


class MainThreadWaker:
    """Wakes the main thread, which makes it, until another wake-up descriptor is set."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._main = get_ident()
        self._is_awake = True

    def start(self) -> None:
        """Start the thread, which takes no signal itself."""
        set_signal(_SIGNAL, self._on_signal)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        with Blocked():
            start_thread(self._run, ())

    def _on_signal(self, *_: object) -> None:
        """The interpreter runs the handlers of all signals that have come at once, before or after
        this one."""
        self._is_awake = True

    def _run(self) -> None:
        while True:
            if not set(read(self._read, 4096)) <= {_SIGNAL}:
                self._wake()

    def _wake(self) -> None:
        self._is_awake = False
        for _ in range(_ATTEMPTS):
            signal.pthread_kill(self._main, _SIGNAL)
            sleep(_PAUSE)
            if self._is_awake:
                break
