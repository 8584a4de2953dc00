"""Where tasks and threads are in the code, for reports."""

from __future__ import annotations

import os
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

_LIBRARY = os.path.dirname(os.__file__)


def format_task(task: asyncio.Task[Any]) -> str:  # Any: whatever it returns
    """The name of a task, its coroutine, and where it waits, as a traceback has it."""
    lines = [f"{describe_task(task)}:"]
    awaited: Any = task.get_coro()  # Any: a coroutine, or what is like one
    while awaited is not None:
        frame = _of(awaited, "frame")
        if frame is not None:
            code = frame.f_code
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}')
        awaited = _of(awaited, "await")
    return "\n".join(lines) + "\n"


def _of(awaitable: object, name: str) -> Any:  # Any: a frame, or the next awaitable
    """That attribute of a coroutine, a generator or an asynchronous generator."""
    for kind in ("cr", "gi", "ag"):
        try:
            found = getattr(awaitable, f"{kind}_{name}", None)
        except AttributeError:
            found = None
        if found is not None:
            return found
    return None


def describe_task(task: asyncio.Task[Any] | None) -> str:  # Any: as above
    """A task in a few words."""
    if task is None:
        return "a callback"
    name = getattr(task.get_coro(), "__qualname__", "a coroutine")
    return f"{task.get_name()} ({name})"


def locate(frame: FrameType | None) -> str:
    """File, line and function of the innermost frame that is no library's; of the innermost one
    where there is none."""
    found: FrameType | None = frame
    while found is not None and found.f_code.co_filename.startswith((_LIBRARY, "<")):
        found = found.f_back
    found = found or frame
    if found is None:
        return "an unknown place"
    return f"{found.f_code.co_filename}:{found.f_lineno} in {found.f_code.co_name}"
