"""Waiting for many descriptors: epoll(7) where there is one, kqueue(2) elsewhere, in one shape.

A descriptor that is registered with `EDGE` is reported once for each thing that happens to it,
not again and again while it is unread: a worker registers a connection once in its life and makes
no further system call to wait for it.
"""

from __future__ import annotations

import os
import select
import sys
from typing import Protocol

from hookserve.system.calls import make_poll

if sys.platform == "linux":
    READABLE = select.EPOLLIN
    WRITABLE = select.EPOLLOUT
    HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    """The client has sent its last byte, or is gone: read until the end."""
    GONE = select.EPOLLHUP | select.EPOLLERR
    """The client is gone, as a reset says; where reading alone tells, 0."""
    EXCLUSIVE = select.EPOLLEXCLUSIVE
    """Wake one of the processes that wait for a listener, not all (epoll_ctl(2)); 0 elsewhere."""
    EDGE = select.EPOLLET | select.EPOLLRDHUP
    _make = select.epoll
else:
    READABLE, WRITABLE, HANGUP, GONE, EXCLUSIVE, EDGE = 1, 4, 16, 0, 0, 32

FOR_EVER = float("inf")
"""Seconds; math is imported by nothing at start, for as an extension module it costs 50 KB."""
Event = tuple[int, int]
"""A descriptor, and what it is ready for."""


class Poller(Protocol):
    """What `make_poller` gives; the names are those of `select.epoll`."""

    def fileno(self) -> int:
        """A descriptor that is readable while events wait: pollers can be nested."""

    def register(self, fd: int, eventmask: int, /) -> None:
        """Begin to wait for a descriptor; what it is ready for already is an event too."""

    def modify(self, fd: int, eventmask: int, /) -> None:
        """Wait for something else; what the descriptor is ready for already is an event."""

    def unregister(self, fd: int, /) -> None:
        """Stop waiting for a descriptor; closing it does that too."""

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[Event]:
        """Descriptors and their events, after at most `timeout` seconds; `None`: for ever."""

    def close(self) -> None:
        """Release what the kernel holds."""


def replace_poller(fd: int) -> None:
    """In a forked child: put a poller of its own, that waits for nothing, under that number.

    The two processes have one epoll(7) object otherwise.  There is none to replace elsewhere: a
    kqueue(2) is not inherited.
    """
    if sys.platform == "linux":
        fresh = _make()
        os.dup2(fresh.fileno(), fd, inheritable=False)
        fresh.close()


def make_poller() -> Poller:
    """The best that the system has."""
    return _make()


def is_readable(fd: int) -> bool:
    """Whether something waits to be read, or a connection to be accepted."""
    poll = make_poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


def is_gone(fd: int) -> bool:
    """Whether the other side has reset the connection, or both have shut it down."""
    poll = make_poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))


class _Kqueue:
    """kqueue(2) in the shape of `select.epoll`."""

    # mypy looks at one system; every name that it misses here exists on the others.
    def __init__(self) -> None:
        self._queue = select.kqueue()  # type: ignore[attr-defined,unused-ignore]  # not on Linux

    def fileno(self) -> int:
        return int(self._queue.fileno())

    def register(self, fd: int, eventmask: int, /) -> None:
        flags = select.KQ_EV_ADD  # type: ignore[attr-defined,unused-ignore]  # not on Linux
        if eventmask & EDGE:
            flags |= select.KQ_EV_CLEAR  # type: ignore[attr-defined,unused-ignore]  # as above
        for event, kind in self._filters():
            if eventmask & event:
                self._change(fd, kind, flags)

    def modify(self, fd: int, eventmask: int, /) -> None:
        self.unregister(fd)
        self.register(fd, eventmask)

    def unregister(self, fd: int, /) -> None:
        for _, kind in self._filters():
            try:
                self._change(fd, kind, select.KQ_EV_DELETE)  # type: ignore[attr-defined,unused-ignore]  # as above
            except OSError:
                pass

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[Event]:
        found = self._queue.control(None, maxevents if maxevents > 0 else 1024, timeout)
        readable = select.KQ_FILTER_READ  # type: ignore[attr-defined,unused-ignore]  # as above
        end = select.KQ_EV_EOF  # type: ignore[attr-defined,unused-ignore]  # as above
        return [
            (
                event.ident,
                (READABLE if event.filter == readable else WRITABLE)
                | (HANGUP if event.flags & end else 0),
            )
            for event in found
        ]

    def close(self) -> None:
        self._queue.close()

    def _filters(self) -> tuple[tuple[int, int], ...]:
        return (
            (READABLE, select.KQ_FILTER_READ),  # type: ignore[attr-defined,unused-ignore]  # as above
            (WRITABLE, select.KQ_FILTER_WRITE),  # type: ignore[attr-defined,unused-ignore]  # as above
        )

    def _change(self, fd: int, kind: int, flags: int) -> None:
        self._queue.control([select.kevent(fd, kind, flags)], 0, 0)  # type: ignore[attr-defined,unused-ignore]  # as above


if sys.platform != "linux":
    _make = _Kqueue
