"""``gunicorn.socket`` of the environ: the client's socket, for libraries that look for it there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket


class ClientSocket:
    """The socket of a connection, which is taken over when an attribute of it is first used.

    To have it in the environ, or to look whether it is there, changes nothing.
    """

    __slots__ = ("_socket", "_take_over")

    def __init__(self, take_over: Callable[[], socket.socket]) -> None:
        self._take_over: Callable[[], socket.socket] | None = take_over
        self._socket: socket.socket | None = None

    def __getattr__(self, name: str) -> Any:  # Any: whatever a socket has
        # What looks at an object, as copying and debuggers do, does not use a socket.
        if name.startswith("__"):
            raise AttributeError(name)
        if self._take_over is not None:
            self._socket = self._take_over()
            self._take_over = None  # no cycle: a socket that is dropped is closed
        return getattr(self._socket, name)

    def __enter__(self) -> ClientSocket:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "not taken over" if self._socket is None else repr(self._socket)
        return f"<ClientSocket, {state}>"
