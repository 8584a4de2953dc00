"""What the kernel would not take yet of a response: kept in memory, then in a file.

A worker that must not wait for a slow reader leaves the rest of a response here and sends it on
when the kernel says that there is room.  The order of what is added is kept; the memory is bounded
by `limit`, beyond which bytes go to an unnamed file and leave from there by sendfile(2).
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from typing import IO

from hookserve.system.calls import close
from hookserve.worker.spool import SpoolFile

_IOV_MAX = 64


class _FilePart:
    """A stretch of a file that is still to be sent."""

    __slots__ = ("fd", "is_owned", "left", "offset")

    def __init__(self, fd: int, offset: int, left: int, is_owned: bool) -> None:
        self.fd = fd
        self.offset = offset
        self.left = left
        self.is_owned = is_owned


def _no_file() -> IO[bytes]:
    raise AssertionError("there is no limit on the memory")


class Outbox:
    """One connection's unsent bytes: at most `limit` of them in memory, without a limit by default,
    and the others in a file that `make_file` opens."""

    __slots__ = ("_file", "_file_size", "_limit", "_make_file", "_parts", "memory")

    def __init__(
        self, limit: int = sys.maxsize, make_file: Callable[[], IO[bytes]] = _no_file
    ) -> None:
        self._limit = limit
        self._make_file = make_file
        self._parts: deque[memoryview | _FilePart] = deque()
        self._file: IO[bytes] | None = None
        self._file_size = 0
        self.memory = 0
        """Bytes that are kept in memory."""

    def __bool__(self) -> bool:
        return bool(self._parts)

    @property
    def kept(self) -> int:
        """Bytes that take memory or room in the file; parts of the application's files do not."""
        parts = (each for each in self._parts if isinstance(each, _FilePart) and not each.is_owned)
        return self.memory + sum(part.left for part in parts)

    def add(self, data: bytes | memoryview) -> None:
        """Keep some bytes; the object must not change afterwards."""
        if data:
            self._parts.append(memoryview(data))
            self.memory += len(data)

    def spool(self, data: bytes | memoryview) -> bool:
        """Keep some bytes, in the file when the memory is full; whether there was room.

        Where there is no file, or no room in it, they are kept in memory: the caller is to wait
        until they are sent.
        """
        if self._file is None and self.memory + len(data) <= self._limit:
            self.add(data)
            return True
        view = memoryview(data)
        try:
            if self._file is None:
                self._file = self._make_file()
            if isinstance(self._file, SpoolFile):
                self._file.reserve(len(view))
            while view:
                view = view[self._append(self._file.fileno(), view) :]
        except OSError:
            self.add(view)
            return False
        return True

    def _append(self, fd: int, view: memoryview) -> int:
        """Write to the end of the file; how many bytes that were."""
        last = self._parts[-1] if self._parts else None
        if not isinstance(last, _FilePart) or last.fd != fd:
            last = _FilePart(fd, self._file_size, 0, is_owned=False)
            self._parts.append(last)
        written = os.pwrite(fd, view, self._file_size)
        self._file_size += written
        last.left += written
        return written

    def add_file(self, fd: int, offset: int, count: int) -> None:
        """Keep a stretch of the application's file, by a descriptor of our own."""
        self._parts.append(_FilePart(os.dup(fd), offset, count, is_owned=True))

    def flush(self, fd: int) -> bool:
        """Send what the kernel takes; whether that was all.

        Raises OSError when the client is gone, or a file has become shorter.
        """
        parts = self._parts
        try:
            while parts:
                first = parts[0]
                if isinstance(first, _FilePart):
                    self._send_file_part(fd, first)
                else:
                    self._send_views(fd)
        except BlockingIOError:
            return False
        if self._file is not None:
            self._file.close()
            self._file, self._file_size = None, 0
        return True

    def close(self) -> None:
        """Drop everything and close the files."""
        while self._parts:
            self._drop_first()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _send_file_part(self, fd: int, part: _FilePart) -> None:
        while part.left:
            sent = os.sendfile(fd, part.fd, part.offset, part.left)
            if not sent:
                raise ConnectionError("a file became shorter while it was sent")
            part.offset += sent
            part.left -= sent
        self._drop_first()

    def _send_views(self, fd: int) -> None:
        views: list[memoryview] = []
        for part in self._parts:
            if isinstance(part, _FilePart) or len(views) == _IOV_MAX:
                break
            views.append(part)
        sent = os.writev(fd, views)
        self.memory -= sent
        for view in views:
            if sent < len(view):
                self._parts[0] = view[sent:]
                break
            sent -= len(view)
            self._parts.popleft()

    def _drop_first(self) -> None:
        part = self._parts.popleft()
        if isinstance(part, _FilePart):
            if part.is_owned:
                close(part.fd)
        else:
            self.memory -= len(part)
