"""The open connections of one worker, and which of them wait for their clients."""

from __future__ import annotations

from collections.abc import Iterator

from hookserve.reactor.accepted import Accepted
from hookserve.reactor.phases import KEPT  # and SILENT, which is less


class Connections:
    """Two tables by descriptor.  Each operation on them is one step, whatever other threads do."""

    __slots__ = ("open", "waiting")

    def __init__(self) -> None:
        self.open: dict[int, Accepted] = {}
        """All connections."""
        self.waiting: dict[int, Accepted] = {}
        """Those that no thread owns, in the order in which they began to wait."""

    def idle(self) -> Iterator[Accepted]:
        """The connections that may be closed for a new one, the longest idle first: those between
        two requests, and those that have sent nothing at all."""
        for accepted in list(self.waiting.values()):
            if accepted.phase <= KEPT:
                yield accepted
