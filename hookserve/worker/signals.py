"""What a worker's process does on each signal (signal(7)), beside what the worker itself says."""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Callable, Mapping

from hookserve.system.calls import set_signal

DUMP_SIGNAL: int = getattr(signal, "SIGRTMIN", None) or signal.SIGINFO  # type: ignore[attr-defined,unused-ignore]  # which one exists depends on the system
"""Makes a worker write the stacks of its threads, even from within C code."""

_IGNORED = (signal.SIGHUP, signal.SIGUSR2, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU)
"""The arbiter's business: in a worker they do nothing."""

_ASYNCHRONOUS = (signal.SIGIO, signal.SIGUSR1)
"""The arbiter's to a worker: nothing to a child of the application."""


def take_over(handlers: Mapping[int, Callable[..., None]], dump_fd: int) -> None:
    """Replace what was inherited from the arbiter; stacks are dumped to `dump_fd`, in C, before
    the handler of `DUMP_SIGNAL` runs.  In the main thread of the worker's process."""
    for ignored in _IGNORED:
        set_signal(ignored, signal.SIG_IGN)
    set_signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, handler in handlers.items():
        set_signal(number, handler)
        signal.siginterrupt(number, False)
    # In C, so that it works whatever the threads are doing; then the handler in Python.
    faulthandler.register(DUMP_SIGNAL, file=dump_fd, all_threads=True, chain=True)


def restore_defaults(handlers: Mapping[int, Callable[..., None]]) -> None:
    """In a child that the application has forked: take back those handlers, where the application
    has not replaced them."""
    signal.set_wakeup_fd(-1)
    faulthandler.unregister(DUMP_SIGNAL)
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            continue
        if number == signal.SIGINT:
            set_signal(number, signal.default_int_handler)
        else:
            set_signal(number, signal.SIG_IGN if number in _ASYNCHRONOUS else signal.SIG_DFL)
