"""Addresses of the plugin's own, opened in the arbiter so that a wrong one is an error at start."""

from __future__ import annotations

from collections.abc import Iterable

from hookserve.listeners.address import parse_address
from hookserve.listeners.listeners import Listener, ListenerOptions, open_listeners

_BACKLOG = 128
_open: dict[str, list[Listener]] = {}
"""By setting's value: they outlive a reload that keeps them."""


def open_sockets(addresses: Iterable[str]) -> dict[str, list[Listener]]:
    """The listening sockets of these addresses and no others; raises ListenError."""
    wanted = list(addresses)
    options = ListenerOptions(backlog=_BACKLOG, umask=0o177)
    for address in wanted:
        if address not in _open:
            _open[address] = open_listeners([parse_address(address)], options)
    for address in set(_open).difference(wanted):
        close_sockets(_open.pop(address), is_last=True)
    return dict(_open)


def close_sockets(listeners: Iterable[Listener], is_last: bool) -> None:
    """Close them in this process, and remove the paths where it is the last that has them."""
    for listener in listeners:
        listener.close()
        if is_last:
            listener.remove()


def close_all(is_last: bool) -> None:
    """Close all that are open, as `close_sockets`."""
    for listeners in _open.values():
        close_sockets(listeners, is_last)
    _open.clear()
