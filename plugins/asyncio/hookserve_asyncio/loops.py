"""Event loops: the standard library's, and uvloop's."""

from __future__ import annotations

import asyncio
import importlib.util

from hookserve.errors import BootError


def make_loop(name: str) -> asyncio.AbstractEventLoop:
    """The loop of that name; ``auto``: uvloop's when it is installed.  Raises BootError."""
    if name == "asyncio" or (name == "auto" and importlib.util.find_spec("uvloop") is None):
        return asyncio.new_event_loop()
    try:
        import uvloop
    except ImportError as error:
        raise BootError(f"no event loop uvloop: {error} (pip install uvloop)") from None
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
