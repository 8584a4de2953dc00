"""``wsgi.file_wrapper`` (PEP 3333)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

_FILE_READERS = (io.BufferedReader, io.BufferedRandom)


class FileWrapper:
    """A file as a response body, from its current position."""

    __slots__ = ("_file", "_size", "close")

    close: Callable[[], None]

    def __init__(self, file: BinaryIO, size: int = 65536) -> None:
        self._file = file
        self._size = size
        # PEP 3333: the wrapper closes the file, if the file has close().
        self.close = getattr(file, "close", _nothing)

    def __iter__(self) -> Iterator[bytes]:
        while data := self._file.read(self._size):
            yield data

    def read(self, size: int) -> bytes:
        """At most `size` bytes from the current position."""
        return self._file.read(size)

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file.fileno()

    def tell(self) -> int:
        """The current position, in bytes."""
        return self._file.tell()

    def remaining(self) -> int | None:
        """Bytes to the end of a regular file; `None` for any other readable object."""
        file = self._file
        if isinstance(file, io.BufferedIOBase) and not isinstance(file, _FILE_READERS):
            return None  # gzip and the like have the descriptor of the compressed file
        try:
            file.fileno()
            here = file.tell()
            end = file.seek(0, 2)
            file.seek(here)
        except (AttributeError, OSError, ValueError):
            return None
        if type(here) is not int or type(end) is not int or end <= here:
            return None  # a device ends at 0 and still has data
        return end - here


def _nothing() -> None:
    """For a file without close()."""
