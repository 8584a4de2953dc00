"""Waiting for many descriptors: epoll where there is one, poll elsewhere, behind one shape."""

from __future__ import annotations

import select
import sys
from typing import Protocol

if sys.platform == "linux":
    READABLE = select.EPOLLIN
    WRITABLE = select.EPOLLOUT
    EXCLUSIVE = select.EPOLLEXCLUSIVE
    """Wake one of the processes that wait for a listener, not all (epoll_ctl(2)); 0 elsewhere."""
    ONESHOT = select.EPOLLONESHOT
else:
    READABLE = select.POLLIN
    WRITABLE = select.POLLOUT
    EXCLUSIVE = 0
    ONESHOT = 0


class Poller(Protocol):
    """What `make_poller` gives; the names are those of `select.epoll`."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Begin to wait for a descriptor."""

    def unregister(self, fd: int, /) -> None:
        """Stop waiting for a descriptor; closing it does that too."""

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        """Descriptors and their events, after at most `timeout` seconds; `None`: for ever."""

    def close(self) -> None:
        """Let go of what the kernel holds."""


def make_poller() -> Poller:
    """The best that the system has."""
    return select.epoll() if sys.platform == "linux" else _Poll()


class _Poll:
    """`select.poll` with the timeout in seconds, and without descriptors that were closed."""

    def __init__(self) -> None:
        self._poll = select.poll()

    def register(self, fd: int, eventmask: int, /) -> None:
        self._poll.register(fd, eventmask)

    def unregister(self, fd: int, /) -> None:
        self._poll.unregister(fd)

    def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
        found = self._poll.poll(None if timeout is None else timeout * 1000.0)
        events = []
        for fd, event in found:
            if event & select.POLLNVAL:
                self._poll.unregister(fd)
            else:
                events.append((fd, event))
        return events

    def close(self) -> None:
        pass
