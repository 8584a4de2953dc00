"""A client that is gone, as far as the application can tell."""

from __future__ import annotations

from hookserve.protocol.seam import Transport


class GoneTransport(Transport):
    """In the place of a transport that has failed, which must not be used again."""

    __slots__ = ("_error",)

    def __init__(self, error: OSError) -> None:
        self._error = error

    def send(self, *buffers: bytes) -> None:
        """Raises what the transport has raised."""
        raise self._error

    def receive(self, size: int) -> bytes:
        """As `send`."""
        raise self._error
