"""The open connections of one worker, and which of them wait for their clients."""

from __future__ import annotations

from collections.abc import Iterator

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.phases import KEPT  # and SILENT, which is less


class Connections:
    """Two tables by descriptor.  Each operation on them is one step, whatever other threads do."""

    __slots__ = ("_lingering", "_lingering_cell", "open", "waiting")

    def __init__(self, lingering_cell: memoryview[int]) -> None:
        """How many linger is published in that cell."""
        self._lingering: set[int] = set()
        self._lingering_cell = lingering_cell
        self.open: dict[int, Accepted] = {}
        """All connections."""
        self.waiting: dict[int, Accepted] = {}
        """Those that no thread owns, in the order in which they began to wait."""

    def linger(self, fd: int) -> None:
        """A connection has had its last response, and is to wait for its client to close."""
        self._lingering.add(fd)
        self._lingering_cell[()] = len(self._lingering)

    def remove(self, fd: int) -> None:
        """A connection that does not wait is about to be closed."""
        del self.open[fd]
        if fd in self._lingering:
            self._lingering.discard(fd)
            self._lingering_cell[()] = len(self._lingering)

    def idle(self) -> Iterator[Accepted]:
        """The connections that may be closed for a new one, the longest idle first: those between
        two requests, and those that have sent nothing at all."""
        for accepted in list(self.waiting.values()):
            if accepted.phase <= KEPT:
                yield accepted
