"""How many connections wait to be accepted, asked of the kernel by any process.

A listening socket is known by its inode, so the process that asks need not hold it.
"""

from __future__ import annotations

import _socket
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hookserve.listeners.listener import Listener


class ListeningSocket(NamedTuple):
    """A listening socket, as another process can ask about it."""

    address: str
    """As the log shows it."""
    family: int
    """``AF_INET``, ``AF_INET6`` or ``AF_UNIX``."""
    inode: int
    """Of the socket, not of a path."""


class AcceptQueue(NamedTuple):
    """The connections of one address that wait to be accepted."""

    address: str
    """As the log shows it."""
    length: int
    """How many wait."""
    limit: int
    """How many may wait: the setting `backlog`, and the kernel's own limit."""


def describe(listeners: Iterable[Listener]) -> list[ListeningSocket]:
    """The listeners that are open."""
    return [
        ListeningSocket(
            listener.shown_address, listener.socket.family, os.fstat(listener.fileno()).st_ino
        )
        for listener in listeners
        if listener.fileno() >= 0
    ]


def accept_queues(sockets: Sequence[ListeningSocket]) -> list[AcceptQueue]:
    """The queues of those that exist; none where the kernel cannot be asked (Linux can)."""
    from hookserve.system.sockdiag import Queue, tcp_queues, unix_queues

    found: dict[int, Queue] = {}

    def ask(question: Callable[[int], Iterable[Queue]], argument: int) -> None:
        try:
            found.update((each.inode, each) for each in question(argument))
        except (OSError, AttributeError):
            pass  # it is closed, or this is not Linux

    for family in {each.family for each in sockets} - {_socket.AF_UNIX}:
        ask(tcp_queues, family)
    for each in sockets:
        if each.family == _socket.AF_UNIX:
            ask(unix_queues, each.inode)
    return [
        AcceptQueue(each.address, found[each.inode].length, found[each.inode].limit)
        for each in sockets
        if each.inode in found
    ]
