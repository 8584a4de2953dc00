"""The socket that an application gets of a connection that it takes over."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class LentSocket(socket.socket):
    """A blocking socket that gives what has been read before it gives what the kernel has.

    `send` sends everything, as the kernel's does and that of greenlets does not: libraries of
    websockets rely on it.  Every method that receives gives what is put back, but for the ones with
    an address or ancillary data.  Waiting for the descriptor (select(2)) does not see it.
    """

    _put_back = b""
    on_close: Callable[[bool], object] | None = None
    """Called once: with true by the first `close`, and with false when the object is dropped
    without it, wherever that happens."""

    def put_back(self, data: bytes) -> None:
        """These bytes are received first."""
        self._put_back = data

    def close(self) -> None:
        """As `socket.socket.close`."""
        super().close()
        self._notify(True)

    def __del__(self) -> None:
        if self.on_close is not None:  # else it is closed
            self._notify(False)
            self.close()

    def _notify(self, is_closed: bool) -> None:
        on_close, self.on_close = self.on_close, None
        if on_close is not None:
            on_close(is_closed)

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """As `socket.socket.send` of a blocking socket; returns the size of `data` in bytes."""
        view = memoryview(data).cast("B")
        sent = 0
        while sent < len(view):
            sent += super().send(view[sent:], flags)
        return sent

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """As `socket.socket.recv`."""
        if not self._put_back:
            return super().recv(size, flags)
        data = self._put_back[:size]
        if not flags & socket.MSG_PEEK:
            self._put_back = self._put_back[size:]
        return data

    def recv_into(self, buffer: WriteableBuffer, size: int = 0, flags: int = 0) -> int:
        """As `socket.socket.recv_into`; files of `makefile` read by it."""
        if not self._put_back:
            return super().recv_into(buffer, size, flags)
        view = memoryview(buffer).cast("B")
        data = self.recv(size or len(view), flags)
        view[: len(data)] = data
        return len(data)
