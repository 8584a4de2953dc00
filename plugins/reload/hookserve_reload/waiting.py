"""How the watching process waits: for the kernel's notice of a change, or for the next second."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable, Iterator
from typing import Protocol

POLL_INTERVAL = 1.0
"""Seconds between two looks at all files; a notice of the kernel's only makes one sooner."""
_STEP = 20
"""Milliseconds: how long nothing more must happen before a notice is passed on."""


class Waiting(Protocol):
    """Waits for what may be a change."""

    def wait(self, directories: Callable[[], set[str]]) -> None:
        """Return when something may have changed in one of the directories, after
        `POLL_INTERVAL` seconds in any case."""


class Polling:
    """Waits for the next second."""

    def wait(self, directories: Callable[[], set[str]]) -> None:
        """Wait `POLL_INTERVAL` seconds."""
        time.sleep(POLL_INTERVAL)


class Notices:
    """Waits for a notice through watchfiles, and polls once that has failed."""

    def __init__(self) -> None:
        self._directories: set[str] = set()
        self._notices: Iterator[object] | None = None
        self._has_failed = False

    def wait(self, directories: Callable[[], set[str]]) -> None:
        """Wait for a notice, or `POLL_INTERVAL` seconds."""
        if self._has_failed:
            time.sleep(POLL_INTERVAL)
            return
        try:
            wanted = directories()
            if self._notices is None or wanted != self._directories:
                self._directories, self._notices = wanted, _watch(wanted)
            next(self._notices)
        except Exception as error:  # watchfiles may raise anything, such as too few watches
            self._has_failed, self._notices = True, None
            logging.getLogger("hookserve").warning(
                "watchfiles has failed: %s (files are looked at every second instead)", error
            )


def _watch(directories: set[str]) -> Iterator[object]:
    from watchfiles import watch

    return watch(
        *sorted(directories),
        watch_filter=None,
        step=_STEP,
        debounce=10 * _STEP,
        rust_timeout=int(POLL_INTERVAL * 1000),
        yield_on_timeout=True,
        recursive=False,
    )


def has_watchfiles() -> bool:
    """Whether watchfiles is installed."""
    return importlib.util.find_spec("watchfiles") is not None


def waiting_by(engine: str) -> Waiting:
    """How the engine of that name waits; ``auto`` prefers watchfiles."""
    if engine == "watchfiles" or (engine == "auto" and has_watchfiles()):
        return Notices()
    return Polling()
