"""An item of ``server.LISTENERS`` as gunicorn's hooks know it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from hookserve_gunicorn.objects.view import View

if TYPE_CHECKING:
    from hookserve.listeners.listener import Listener as NativeListener


class Listener(View):
    """gunicorn's ``TCPSocket`` and ``UnixSocket``, with all that a socket has."""

    _native: NativeListener

    def __init__(self, native: NativeListener, scheme: str) -> None:
        super().__init__(native)
        object.__setattr__(self, "_scheme", scheme)

    def __str__(self) -> str:
        """As gunicorn logs it: ``http://127.0.0.1:8000``, ``unix:/run/shop.sock``."""
        found = self.cfg_addr
        if not isinstance(found, tuple):
            return f"unix:{found}"
        host, port = found[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"{self._scheme}://{shown}:{port}"

    def __getattr__(self, name: str) -> Any:  # Any: as a socket has it
        if not name.startswith("_") and hasattr(self._native.socket, name):
            return getattr(self._native.socket, name)
        return super().__getattr__(name)

    @property
    def sock(self) -> Any:  # Any: a socket
        """The socket."""
        return self._native.socket

    @property
    def cfg_addr(self) -> tuple[Any, ...] | str:  # Any: of a family
        """Host and port, or the path."""
        found = self._native.socket.getsockname()
        if self._native.socket.family != socket.AF_UNIX:
            return tuple(found)
        return f"@{found[1:].decode()}" if isinstance(found, bytes) else str(found)
