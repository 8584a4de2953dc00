"""How long asyncio's event loop is blocked, and by which task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from logging import Logger

from hookserve.reactor.loop_watch import LoopWatch
from hookserve.reactor.stacks import describe_task


class LagMonitor(LoopWatch):
    """Watches a loop of asyncio's, and logs one line each time while it is blocked."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        limit: float,
        is_busy: Callable[[], bool],
        log: Logger,
        setting: str,
    ) -> None:
        super().__init__(limit, is_busy, setting)
        self._loop = loop
        self._log = log

    def ask(self) -> None:
        """As `LoopWatch.ask`."""
        self._loop.call_soon_threadsafe(self.answer)

    def warn(self, message: str, *values: object) -> None:
        """As `LoopWatch.warn`: at once."""
        self._log.warning(message, *values)

    def on_blocked(self, seconds: float, place: str) -> None:
        """As `LoopWatch.on_blocked`."""
        self.warn(
            "the event loop has been blocked for %.1f s by %s at %s (%s; run what blocks in a"
            " thread: asyncio.to_thread)",
            seconds,
            describe_task(asyncio.current_task(self._loop)),
            place,
            self._setting,
        )
