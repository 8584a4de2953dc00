"""Which thread runs which request: for a worker that logs slow ones (`slow_request`)."""

from __future__ import annotations

import sys
import traceback
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from hookserve.system.calls import get_ident

if TYPE_CHECKING:
    from hookserve.worker.base import Worker
    from hookserve.worker.request_slots import RequestSlot

MARK = "\x1e"
"""Stands before each stack in what is dumped; the number of the request slot follows it."""


class RunningRequests:
    """Takes the place of `Worker.begin`: notes the thread that calls it, and wakes an arbiter that
    sleeps until a request begins."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._limit: float = worker.config.slow_request
        self._callers: dict[RequestSlot, tuple[int, CodeType]] = {}
        """The thread that has begun the request, and the code in it that did."""
        self._awaited = worker.context.slot.awaited_cell
        self._begin = worker.begin
        worker.begin = self.begin  # type: ignore[method-assign]  # for the life of the process

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """As `Worker.begin`."""
        request_slot = self._begin(label, request_id)
        self._callers[request_slot] = get_ident(), sys._getframe(1).f_code
        if self._awaited[()]:
            self._awaited[()] = 0
            self._worker.context.channel.send("begun")
        return request_slot

    def format_slow(self, interrupted: FrameType | None) -> str:
        """The stacks of the requests that are slow, each after `MARK` and a number; called in the
        main thread, by a signal handler that has interrupted it there."""
        main, frames = get_ident(), sys._current_frames()
        began_by = self._worker.clock() - self._limit
        parts = []
        for request_slot, (thread, caller) in list(self._callers.items()):
            if not request_slot.is_running or request_slot.began > began_by:
                continue
            stack = self._worker.stack_of(request_slot)
            if not isinstance(stack, str):
                frame = interrupted if thread == main else frames.get(thread)
                stack = _format(stack or frame, caller)
            parts.append(f"{MARK}{request_slot.number}\n{stack}\n")
        return "".join(parts)


def _format(frame: FrameType | None, caller: CodeType) -> str:
    """The stack of what the server's code that began the request has called."""
    frames = []
    while frame is not None and frame.f_code is not caller:
        frames.append((frame, frame.f_lineno))
        frame = frame.f_back
    stack = traceback.StackSummary.extract(reversed(frames), capture_locals=False)
    return "".join(line.removeprefix("  ") for line in stack.format()).rstrip()


def split_stacks(dumped: str) -> tuple[str, dict[int, str]]:
    """What a worker has dumped: the stacks of its threads, and those of requests by number."""
    threads, *parts = dumped.split(MARK)
    stacks = {}
    for part in parts:
        number, _, stack = part.partition("\n")
        if number.isdecimal():
            stacks[int(number)] = stack
    return threads, stacks
