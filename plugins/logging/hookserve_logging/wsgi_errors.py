"""``wsgi.errors`` where the error log is a file."""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from typing import Any


class ErrorStream(io.TextIOBase):
    """Writes to the stream of a handler, whatever file that has open now.

    As PEP 3333 asks, `write`, `writelines` and `flush` are there.  A full disk loses the text and
    raises nothing.  Any thread may write; a piece of text is written at once.
    """

    def __init__(self, handler: logging.StreamHandler[Any]) -> None:  # Any: a text file
        self._handler = handler

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, text: str, /) -> int:
        """Write `text` to the file."""
        handler = self._handler
        handler.acquire()
        try:
            with suppress(OSError, ValueError):
                handler.stream.write(text)
                handler.flush()
        finally:
            handler.release()
        return len(text)
