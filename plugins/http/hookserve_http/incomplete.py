"""A request head that arrives in pieces."""

from __future__ import annotations

from hookserve_http.fields import END


class IncompleteHead:
    """What has arrived of a head.

    A piece costs what its own bytes cost, whatever came before it: it is copied once, and searched
    with the three bytes before it, in case the end is split.
    """

    __slots__ = ("data", "has_request_line", "start")

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.has_request_line = False
        """Whether the request line has arrived, and was checked."""
        self.start = 0
        """Where the next search begins, in bytes of `data`."""

    def add(self, data: bytes) -> int:
        """Append a piece; returns the size of the head, 0 while its end is missing."""
        self.start = max(0, len(self.data) - len(END) + 1)
        self.data += data
        found = self.data.find(END, self.start)
        return found + len(END) if found >= 0 else 0

    def split(self, size: int) -> tuple[bytes, bytes]:
        """The head of that size, and what follows it."""
        return bytes(self.data[:size]), bytes(self.data[size:])
