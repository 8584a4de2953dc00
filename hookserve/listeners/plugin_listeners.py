"""Addresses that a plugin has for itself: opened by the arbiter, so that one that cannot be
listened on ends the start or the reload in one line, and served by an auxiliary process.

A plugin returns `PluginListeners` from its `configured_plugins`, beside the plugin that serves
there.  The sockets of an address that a reload keeps stay as they are, also across a re-exec.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hookserve.errors import ListenError
from hookserve.hookmarkers import hookimpl
from hookserve.listeners.address import Address, UnixAddress
from hookserve.listeners.listener import Listener, ListenerOptions, uninherited
from hookserve.listeners.opening import look_up_names, open_listeners

if TYPE_CHECKING:
    from hookserve.server import Server

_BACKLOG = 128
_UMASK = 0o177
_Key = tuple[str, Address]
Opened = tuple[Address, Listener]
"""An address as a setting has it, and a socket of that."""


class _Shared:
    """The sockets of one address, and those that have it in their configuration."""

    def __init__(self, listeners: list[Listener]) -> None:
        self.listeners = listeners
        self.users: set[PluginListeners] = set()


_open: dict[_Key, _Shared] = {}


class PluginListeners:
    """The listeners of one setting, in one configuration; a path has the mode 0600 where its
    address names none.

    Hooks in the arbiter open them, and the last configuration that has them closes them.
    """

    def __init__(self, setting: str, addresses: Iterable[Address]) -> None:
        self._options = ListenerOptions(
            backlog=_BACKLOG, umask=_UMASK, flag=f"--{setting.replace('_', '-')}"
        )
        self._setting = setting
        self._keys: list[_Key] = [(setting, _absolute(each)) for each in dict.fromkeys(addresses)]

    @hookimpl
    def when_ready(self, server: Server) -> None:
        """Open them; raises ListenError."""
        self.open(server)

    @hookimpl
    def on_reload(self, server: Server) -> None:
        """Open those that are new; raises ListenError."""
        self.open(server)

    @hookimpl
    def retired(self) -> None:
        """Close those that no other configuration has."""
        for key in self._keys:
            shared = _open.get(key)
            if shared is not None:
                shared.users.discard(self)
                if not shared.users:
                    close_all(_open.pop(key).listeners)

    def look_up_names(self) -> None:
        """Look up the names in the addresses and open nothing; raises ListenError and
        ConfigError."""
        with self._naming_setting():
            for _, address in self._keys:
                look_up_names(address, self._options.flag)

    def open_in_dry_run(self) -> None:
        """Find out whether those that are not open can be listened on; `retired` closes them.

        Raises ListenError and ConfigError.
        """
        self._options = self._options._replace(is_dry_run=True)
        for key in self._keys:
            self._shared(key)

    def open(self, server: Server) -> Sequence[Listener]:
        """All of them, in the arbiter; raises ListenError.  There are none while the predecessor
        of an upgrade has the addresses."""
        if server.upgrade.predecessor is not None:
            return ()
        return [listener for key in self._keys for listener in self._shared(key).listeners]

    def _shared(self, key: _Key) -> _Shared:
        found = _open.get(key)
        if found is None:
            with self._naming_setting():
                found = _open[key] = _Shared(open_listeners([key[1]], self._options))
                uninherited.update(found.listeners)
        found.users.add(self)
        return found

    def _inherit(self, found: dict[Address, list[Listener]]) -> None:
        """Go on with the sockets of its addresses, which are taken out of `found`."""
        for key in self._keys:
            if key[1] in found:
                _open[key] = _Shared(found.pop(key[1]))
            if key in _open:
                _open[key].users.add(self)

    @contextlib.contextmanager
    def _naming_setting(self) -> Iterator[None]:
        try:
            yield
        except ListenError as error:
            raise ListenError(f"{self._setting}: {error}") from None


def opened() -> list[Opened]:
    """All that are open, of every setting."""
    return [(key[1], each) for key, shared in _open.items() for each in shared.listeners]


def inherit(handed: Iterable[Opened], plugins: Iterable[object]) -> list[Listener]:
    """Go on with the sockets that another arbiter has handed over, as far as one of the `plugins`
    has their addresses in its configuration, in whichever setting; returns the others."""
    found: dict[Address, list[Listener]] = {}
    for address, listener in handed:
        found.setdefault(address, []).append(listener)
        uninherited.add(listener)
    for plugin in plugins:
        if isinstance(plugin, PluginListeners):
            plugin._inherit(found)
    return [each for listeners in found.values() for each in listeners]


def _absolute(address: Address) -> Address:
    """The same path after a reload, which may begin in another directory."""
    if isinstance(address, UnixAddress) and not address.is_abstract:
        return address._replace(path=os.path.abspath(address.path))
    return address


def close_all(listeners: Iterable[Listener]) -> None:
    """Close them, and remove the paths that are theirs."""
    for listener in listeners:
        uninherited.discard(listener)
        listener.close()
        listener.remove()
