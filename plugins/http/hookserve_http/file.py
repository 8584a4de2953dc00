"""``wsgi.file_wrapper`` (PEP 3333)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

_OF_A_FILE = (io.BufferedReader, io.BufferedRandom)


class FileWrapper:
    """A file as a response body; sent from where it stands."""

    __slots__ = ("_file", "_size", "close")

    close: Callable[[], None]

    def __init__(self, file: BinaryIO, size: int = 65536) -> None:
        self._file = file
        self._size = size
        # Present only where the file has it: PEP 3333 asks for that.
        self.close = getattr(file, "close", _nothing)

    def __iter__(self) -> Iterator[bytes]:
        while data := self._file.read(self._size):
            yield data

    def read(self, size: int) -> bytes:
        """Bytes from where the file stands."""
        return self._file.read(size)

    def fileno(self) -> int:
        """The descriptor."""
        return self._file.fileno()

    def tell(self) -> int:
        """Where the file stands."""
        return self._file.tell()

    def remaining(self) -> int | None:
        """Bytes to the end of a regular file; `None` for anything else that can be read."""
        file = self._file
        if isinstance(file, io.BufferedIOBase) and not isinstance(file, _OF_A_FILE):
            return None  # gzip and its like have the descriptor of what they unpack
        try:
            file.fileno()
            here = file.tell()
            end = file.seek(0, 2)
            file.seek(here)
        except (AttributeError, OSError, ValueError):
            return None
        if type(here) is not int or type(end) is not int or end <= here:
            return None  # devices end at 0, and have more to read
        return end - here


def _nothing() -> None:
    """For a file without close()."""
