"""The transport of a client that has disconnected."""

from __future__ import annotations

from hookserve.protocol.seam import Transport


class DisconnectedTransport(Transport):
    """Replaces a transport that raised an error, which must not be used again."""

    __slots__ = ("_error",)

    def __init__(self, error: OSError) -> None:
        self._error = error

    def send(self, *buffers: bytes) -> None:
        """Raises the transport's error."""
        raise self._error

    def receive(self, size: int) -> bytes:
        """Raises the transport's error."""
        raise self._error
