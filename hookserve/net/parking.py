"""Connections that wait for their client, each with a deadline.

For each kind of wait the timeout is one constant, so the connections of a kind, in the order in
which they were parked, are in the order of their deadlines too: a dict a kind is a queue, and
nothing is ever sorted.  No system calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class ParkingLot(Generic[T]):
    """What is parked, by file descriptor.

    `timeouts` has the seconds that each kind of wait may last, by the kind's number; 0: for ever.
    """

    __slots__ = ("_kinds", "_queues", "_timeouts")

    def __init__(self, timeouts: Sequence[float]) -> None:
        self._timeouts = tuple(timeouts)
        self._queues: tuple[dict[int, tuple[float, T]], ...] = tuple({} for _ in timeouts)
        self._kinds: dict[int, int] = {}

    def park(self, fd: int, item: T, kind: int, now: float) -> None:
        """Park a descriptor that is not parked; its deadline counts from `now`."""
        self._kinds[fd] = kind
        self._queues[kind][fd] = (now + self._timeouts[kind], item)

    def take(self, fd: int) -> T:
        """Remove a parked descriptor and answer its item; raises KeyError when it is not parked."""
        return self._queues[self._kinds.pop(fd)].pop(fd)[1]

    def kind(self, fd: int) -> int:
        """What a parked descriptor waits for; raises KeyError."""
        return self._kinds[fd]

    def item(self, fd: int) -> T:
        """The item of a parked descriptor; raises KeyError."""
        return self._queues[self._kinds[fd]][fd][1]

    def oldest(self, kind: int) -> int | None:
        """The descriptor that has waited longest in a kind of wait."""
        return next(iter(self._queues[kind]), None)

    def expired(self, now: float) -> list[tuple[int, T, int]]:
        """Remove and answer what has waited too long: descriptor, item and kind."""
        found: list[tuple[int, T, int]] = []
        for kind, queue in enumerate(self._queues):
            if not self._timeouts[kind]:
                continue
            while queue:
                fd, (deadline, item) = next(iter(queue.items()))
                if deadline > now:
                    break
                del queue[fd], self._kinds[fd]
                found.append((fd, item, kind))
        return found

    def next_deadline(self) -> float | None:
        """When something expires next; `None`: nothing does."""
        nearest = None
        for queue, timeout in zip(self._queues, self._timeouts, strict=True):
            if queue and timeout:
                deadline = next(iter(queue.values()))[0]
                if nearest is None or deadline < nearest:
                    nearest = deadline
        return nearest

    def __contains__(self, fd: int) -> bool:
        return fd in self._kinds

    def __len__(self) -> int:
        return len(self._kinds)
