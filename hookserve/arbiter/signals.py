"""The arbiter's signals: handlers only write to a pipe, the loop reads it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable

from hookserve.system.calls import close, read, set_signal

TABLE: tuple[tuple[str, str, str], ...] = (
    (
        "TERM",
        "graceful stop: workers finish their requests, for at most graceful_timeout",
        "finish the requests in flight and exit",
    ),
    ("INT", "quick stop, for at most quick_timeout", "exit as soon as the running request allows"),
    ("QUIT", "as INT", "as INT"),
    ("HUP", "reload: configuration and code, one worker after the other", "ignored"),
    ("USR1", "reopen the logs, in the workers too", "reopen the logs"),
    (
        "USR2",
        "binary upgrade: a successor serves beside it until one of the two gets TERM",
        "ignored",
    ),
    ("TTIN", "one worker more", "ignored"),
    ("TTOU", "one worker less, down to one", "ignored"),
    (
        "WINCH",
        "with `--daemon`: drain all workers, TTIN or HUP bring them back; in the foreground:"
        " ignored, for a terminal sends it when its window is resized",
        "ignored",
    ),
    ("CHLD", "reap", "the system's default"),
    ("ABRT", "the system's default", "a missed deadline: the hook worker_abort, then the end"),
)
"""Signal, what it means to the arbiter, what it means to a worker; the reference shows it."""

HANDLED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGTTIN,
    signal.SIGTTOU,
    signal.SIGWINCH,
    signal.SIGCHLD,
)


def name_of(number: int) -> str:
    """The name of a signal, or its number where it has none (signal(7): real-time signals)."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class SignalInbox:
    """Signals that have arrived and were not yet dealt with, in the order of their arrival."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)

    def open(self, numbers: Iterable[int] = HANDLED) -> None:
        """Take the signals over."""
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in numbers:
            set_signal(number, _nothing)
        # A re-executed arbiter begins with all of them held back.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._read

    def read(self) -> list[int]:
        """The numbers of the signals that have arrived."""
        try:
            data = read(self._read, 4096)
        except BlockingIOError:
            return []
        return list(data)

    def descriptors(self) -> tuple[int, int]:
        """Both ends, for a child to close."""
        return self._read, self._write

    def close(self) -> None:
        """Give the signals back to their defaults."""
        signal.set_wakeup_fd(-1)
        for end in (self._read, self._write):
            close(end)


def _nothing(*_: object) -> None:
    """A handler in Python there must be, or the wake-up descriptor stays silent."""


class Blocked:
    """All signals are held back inside: ``with Blocked():``."""

    def __enter__(self) -> Callable[[], None]:
        previous = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

        def restore() -> None:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)

        self._restore = restore
        return restore

    def __exit__(self, *_: object) -> None:
        self._restore()
