"""Addresses to listen on, as text and as records."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from typing import NamedTuple

from hookserve.errors import ConfigError

DEFAULT_PORT = 8000
"""Of an address that names none."""

_HOST_PORT = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:]*))(?::(?P<port>\d+))?")


class Endpoint(NamedTuple):
    """What a protocol knows of the local end of its connections."""

    host: str
    """The address or, for a unix socket, its path."""
    port: str
    """Decimal digits; empty for a unix socket."""
    unix: bool = False
    """Whether it is a unix socket."""


class TcpAddress(NamedTuple):
    """``HOST:PORT``."""

    host: str
    """A name or an address, IPv6 without brackets."""
    port: int
    """0: the kernel chooses one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class UnixAddress(NamedTuple):
    """``unix:PATH``; an abstract name has ``@`` in front."""

    path: str
    """A path, or ``@`` and an abstract name."""
    mode: int | None = None
    """How the path is made, as are the next two."""
    user: str | None = None
    """Its owner, a name or a number; `None`: as the setting `user`."""
    group: str | None = None
    """Its group; `None`: as the setting `group`."""

    def __eq__(self, other: object) -> bool:
        """Two addresses are the same when the path is."""
        return isinstance(other, UnixAddress) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def is_abstract(self) -> bool:
        """Whether the name is not in the file system (unix(7))."""
        return self.path.startswith("@")

    def __str__(self) -> str:
        return f"unix:{self.path}"


class FdAddress(NamedTuple):
    """``fd://N``, a listening socket that is open already."""

    number: int
    """The descriptor."""

    def __str__(self) -> str:
        return f"fd://{self.number}"


Address = TcpAddress | UnixAddress | FdAddress
"""A TCP address, a unix socket or an open descriptor."""


def parse_address(text: str) -> Address:
    """The address that `text` names; raises ConfigError.

    ``HOST:PORT``, ``HOST``, ``[V6]:PORT``, ``:PORT``, nothing, ``tcp://``, ``unix:PATH`` with
    ``?mode=0660&user=NAME&group=NAME``, ``unix:@NAME`` and ``fd://N``.
    """
    if text.startswith("unix:"):
        return _parse_unix(text.removeprefix("unix:").removeprefix("//"))
    if text.startswith("\0"):
        return UnixAddress("@" + text[1:])
    if text.startswith("fd://"):
        number = text.removeprefix("fd://")
        if not number.isdigit():
            raise ConfigError(f"bind: '{text}' names no descriptor (fd://3, for example)")
        return FdAddress(int(number))
    if text.isdecimal():
        raise ConfigError(
            f"bind: '{text}' is a port without a host (127.0.0.1:{text} for this machine alone,"
            f" :{text} for every address)"
        )
    match = _HOST_PORT.fullmatch(text.removeprefix("tcp://"))
    port = int(match["port"] or DEFAULT_PORT) if match else -1
    if match is None or not 0 <= port <= 65535:
        raise ConfigError(
            f"bind: '{text}' is not an address (HOST:PORT, [V6]:PORT, :PORT, unix:PATH or fd://N)"
        )
    return TcpAddress(match["six"] or match["host"] or "0.0.0.0", port)


def sockets_of_all_users(bind: Iterable[str], umask: int) -> list[str]:
    """The unix sockets among addresses to which every local user may connect, as their modes and
    the folders that they are in have it."""
    found = []
    for text in bind:
        try:
            address = parse_address(text)
        except ConfigError:  # the start says so
            continue
        if isinstance(address, UnixAddress):
            mode = 0o777 & ~umask if address.mode is None else address.mode
            if address.is_abstract or (mode & stat.S_IWOTH and _may_enter(address.path)):
                found.append(str(address))
    return found


def _may_enter(path: str) -> bool:
    """Whether every user may enter the folder of a path; also for one that is not there."""
    try:
        return bool(os.stat(os.path.dirname(os.path.abspath(path))).st_mode & stat.S_IXOTH)
    except OSError:
        return True


def _parse_unix(text: str) -> UnixAddress:
    from urllib.parse import parse_qsl

    path, _, query = text.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if path.startswith("\0"):
        path = "@" + path[1:]
    unknown = options.keys() - {"mode", "user", "group"}
    if not path or unknown:
        what = f"has an unknown option '{min(unknown)}'" if unknown else "names no path"
        raise ConfigError(f"bind: 'unix:{text}' {what} (unix:PATH?mode=0660&user=NAME&group=NAME)")
    try:
        mode = int(options["mode"], 8) if "mode" in options else None
    except ValueError:
        raise ConfigError(f"bind: mode={options['mode']} is not octal (mode=0660)") from None
    return UnixAddress(path, mode, options.get("user"), options.get("group"))
