"""A suspension that keeps stretches of files too."""

from __future__ import annotations

import asyncio
import os
from typing import Any, NamedTuple

from hookserve_http.suspension import Suspension

from hookserve.protocol.seam import Transport


class _FilePart(NamedTuple):
    """A stretch of a file that is to be sent, by a descriptor of our own."""

    fileno: int
    offset: int
    size: int


class FileSuspension(Suspension):
    """As `Suspension`; an application may send files."""

    __slots__ = ("sends_files",)

    def __init__(self) -> None:
        super().__init__()
        self.sends_files = False
        """Whether the worker's transports do."""

    def begin(self, task: asyncio.Task[object] | None, transport: Transport) -> None:
        """As `Suspension.begin`."""
        super().begin(task, transport)
        self.sends_files = type(transport).send_file is not Transport.send_file

    def send_file(self, fileno: int, offset: int, count: int) -> int:
        """Keep the stretch of a file."""
        if not self.sends_files:
            raise NotImplementedError
        count = min(count, max(0, os.fstat(fileno).st_size - offset))
        self.pending.append(_FilePart(os.dup(fileno), offset, count))
        return count

    def send_parts(self, transport: Transport, pending: list[Any]) -> None:  # Any: as above
        """As `Suspension.send_parts`."""
        buffers: list[bytes] = []
        try:
            for each in pending:
                if not isinstance(each, _FilePart):
                    buffers.append(each)
                    continue
                if buffers:
                    transport.send(*buffers)
                    buffers = []
                transport.send_file(*each)
            if buffers:
                transport.send(*buffers)
        finally:
            _close(*pending)

    def close(self) -> None:
        """As `Suspension.close`."""
        _close(*self.pending)
        super().close()


def _close(*parts: bytes | _FilePart) -> None:
    for each in parts:
        if isinstance(each, _FilePart):
            os.close(each.fileno)
