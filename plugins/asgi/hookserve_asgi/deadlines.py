"""The deadlines of many websockets, with one timer that seldom fires."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookserve_asgi.websocket import WebsocketExchange


class Deadlines:
    """Calls `WebsocketExchange.on_deadline`, up to `slack` seconds late: those that are due in that
    time wake the worker once."""

    __slots__ = ("_loop", "_open", "_slack", "_timer", "_timer_at")

    def __init__(self, loop: asyncio.AbstractEventLoop, slack: float) -> None:
        self._loop = loop
        self._slack = slack
        self._open: set[WebsocketExchange] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def wait(self, websocket: WebsocketExchange, seconds: float) -> None:
        """A websocket has a deadline in so many seconds, which replaces the one it had; 0: none."""
        websocket.deadline = self._loop.time() + (seconds or float("inf"))
        self._open.add(websocket)
        self._fire_by(websocket.deadline)

    def discard(self, websocket: WebsocketExchange) -> None:
        """A websocket has ended."""
        self._open.discard(websocket)

    def _fire_by(self, deadline: float) -> None:
        moment = deadline + self._slack
        if moment == float("inf") or (self._timer is not None and self._timer_at <= moment):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = moment
        self._timer = self._loop.call_at(moment, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        for each in [each for each in self._open if each.deadline <= now]:
            each.deadline = float("inf")
            each.on_deadline(now)
        if self._open:
            self._fire_by(min(each.deadline for each in self._open))
