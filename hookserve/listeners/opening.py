"""The arbiter opens listeners, inherits them and keeps them across reloads, before it forks."""

from __future__ import annotations

import _socket
import errno
import os
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence

from hookserve.errors import ListenError
from hookserve.listeners.address import Address, Endpoint, FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.advice import listen_error
from hookserve.listeners.listener import Listener, ListenerOptions, held_endpoints
from hookserve.listeners.tcp import (
    bind_tcp,
    ipv4_wildcard,
    is_absent,
    is_ipv6_wildcard,
    resolve,
    serves_both_families,
    sharing_port,
)
from hookserve.listeners.unix import Ownership, bind_path
from hookserve.system.calls import Socket
from hookserve.system.privileges import resolve_group, resolve_user

SYSTEMD_FIRST_FD = 3
"""sd_listen_fds(3): descriptors begin here."""
SYSTEMD_VARIABLES = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
"""What systemd sets for passed sockets (sd_listen_fds(3))."""


def open_listeners(
    addresses: Iterable[Address], options: ListenerOptions, existing: Sequence[Listener] = ()
) -> list[Listener]:
    """Listeners for all addresses, those of `existing` that have the same address kept.

    A host name has a listener for each of its addresses.  ``[::]`` serves IPv4 too, unless 0.0.0.0
    with the same port is among the addresses; where the one that is kept does not, 0.0.0.0 is
    listened on as well.  A new address may overlap with those of `existing` (`sharing_port`).
    Raises ListenError; what was opened before that is closed again.
    """
    kept = {listener.address: listener for listener in existing}
    found: dict[Address, Listener] = {}
    wanted = _with_both_families(tuple(dict.fromkeys(addresses)), kept)
    try:
        for address in wanted:
            _add_listeners(found, address, options, kept, wanted)
    except BaseException:
        for listener in found.values():
            if listener not in existing:
                listener.close()
                listener.remove()
        raise
    return list(found.values())


def _add_listeners(
    found: dict[Address, Listener],
    address: Address,
    options: ListenerOptions,
    kept: Mapping[Address, Listener],
    wanted: Sequence[Address],
) -> None:
    """Add a listener for each address that `address` stands for."""
    absent = None
    numeric = _numeric(address, options)
    for each in numeric:
        if each in found:
            continue
        if each in kept:
            found[each] = kept[each]
            continue
        try:
            both = serves_both_families(each, wanted)
            found[each] = _open_beside(each, options, both, kept.values())
        except OSError as error:
            if not is_absent(error):
                tried = [*kept.values(), *found.values()]
                raise _listen_error(each, error, options, tried) from None
            absent = _listen_error(each, error, options)
    if absent is not None and not any(each in found for each in numeric):
        raise absent


def _with_both_families(
    addresses: Sequence[Address], kept: Mapping[Address, Listener]
) -> Sequence[Address]:
    more = [
        ipv4_wildcard(each.port)
        for each in addresses
        if is_ipv6_wildcard(each) and each.port and each in kept and not kept[each].is_dual
    ]
    return tuple(dict.fromkeys((*addresses, *more)))


def _open_beside(
    address: Address, options: ListenerOptions, both_families: bool, existing: Iterable[Listener]
) -> Listener:
    """A listener whose address may overlap with those of existing ones, which a reload keeps or
    closes later."""
    try:
        return _open(address, options, both_families)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not isinstance(address, TcpAddress):
            raise
        port = str(address.port)
        ours = [each for each in existing if each.is_tcp and each.endpoint.port == port]
        if not ours or any(each.endpoint.host == address.host for each in ours):
            raise
    with sharing_port(each.socket for each in ours):
        listener = _open(address, options._replace(reuse_port=True), both_families)
    if not options.reuse_port:
        listener.socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 0)
    return listener


def _numeric(address: Address, options: ListenerOptions) -> Sequence[Address]:
    if not isinstance(address, TcpAddress):
        return (address,)
    try:
        return resolve(address)
    except OSError as error:
        raise _listen_error(address, error, options) from None


def look_up_names(address: Address, flag: str = "--bind") -> None:
    """Look up the names of hosts, users and groups in an address as `open_listener` does, without
    opening anything; raises ListenError and ConfigError."""
    options = ListenerOptions(flag=flag)
    _numeric(address, options)
    if isinstance(address, UnixAddress):
        _owner(address, options)


def open_listener(address: Address, options: ListenerOptions) -> Listener:
    """A listener for one address; raises ListenError, in one line with the remedy."""
    try:
        return _open(address, options)
    except OSError as error:
        raise _listen_error(address, error, options) from None


def _open(address: Address, options: ListenerOptions, both_families: bool = False) -> Listener:
    if isinstance(address, TcpAddress):
        return _open_tcp(address, options, both_families)
    if isinstance(address, FdAddress):
        return _inherit(address.number, address, options)
    if address.is_abstract:
        return _open_abstract(address, options)
    return _open_unix(address, options)


def _listen_error(
    address: Address, error: OSError, options: ListenerOptions, tried: Collection[Listener] = ()
) -> ListenError:
    """Those that were `tried` are not in the way: they may overlap (`sharing_port`)."""
    return listen_error(address, error, options.flag, held_endpoints(besides=tried))


def systemd_listeners(environ: MutableMapping[str, str]) -> list[Listener]:
    """The sockets that a service manager handed over (sd_listen_fds(3)).

    The variables are removed from `environ`.  Raises ListenError for one that does not listen.
    """
    count = environ.get("LISTEN_FDS", "")
    is_ours = environ.get("LISTEN_PID") == str(os.getpid())
    for name in SYSTEMD_VARIABLES:
        environ.pop(name, None)
    if not is_ours or not count.isdigit():
        return []
    numbers = range(SYSTEMD_FIRST_FD, SYSTEMD_FIRST_FD + int(count))
    return [_inherit(number, FdAddress(number), None) for number in numbers]


def _open_tcp(address: TcpAddress, options: ListenerOptions, both_families: bool) -> Listener:
    listening = bind_tcp(address, options, both_families)
    return Listener(listening, address, _endpoint_of(listening, address))


def _open_unix(address: UnixAddress, options: ListenerOptions) -> Listener:
    mode = address.mode if address.mode is not None else 0o777 & ~options.umask
    ownership = Ownership(mode, *_owner(address, options))
    listening, inode = bind_path(address, ownership, options.backlog, options.is_dry_run)
    return Listener(listening, address, Endpoint(address.path, "", unix=True), inode)


def _owner(address: UnixAddress, options: ListenerOptions) -> tuple[int, int]:
    """The user and the group of a path, as `Ownership` has them; raises ConfigError."""
    user = resolve_user(address.user)[0] if address.user else options.user
    group = resolve_group(address.group) if address.group else options.group
    return -1 if user is None else user, -1 if group is None else group


def _open_abstract(address: UnixAddress, options: ListenerOptions) -> Listener:
    listening = Socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        listening.bind("\0" + address.path[1:])
        if not options.is_dry_run:
            listening.listen(options.backlog)
    except BaseException:
        listening.close()
        raise
    return Listener(listening, address, Endpoint(address.path, "", unix=True))


def inherit_listener(number: int, address: Address, inode: int) -> Listener:
    """A listener around a descriptor that another arbiter has handed over; raises ListenError."""
    return _inherit(number, address, None, inode)


def _inherit(
    number: int, address: Address, options: ListenerOptions | None, inode: int = 0
) -> Listener:
    """A listener around a descriptor that is open already; without options it listens already."""
    try:
        listening = Socket(fileno=number)
    except OSError as error:
        raise ListenError(
            f"cannot listen on {address}: {(error.strerror or str(error)).lower()}"
            " (the descriptor must be an open, inherited socket)"
        ) from None
    os.set_inheritable(number, False)
    if not listening.getsockopt(_socket.SOL_SOCKET, _socket.SO_ACCEPTCONN):
        if options is None or listening.type != _socket.SOCK_STREAM:
            listening.detach()
            raise ListenError(f"cannot listen on {address}: the socket does not listen")
        if not options.is_dry_run:
            listening.listen(options.backlog)
    if listening.family in (_socket.AF_INET, _socket.AF_INET6):
        listening.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    return Listener(listening, address, _endpoint_of(listening, address), inode)


def _endpoint_of(listening: _socket.socket, address: Address) -> Endpoint:
    if isinstance(address, UnixAddress):  # the kernel knows the name from before the renaming
        return Endpoint(address.path, "", unix=True)
    name = listening.getsockname()
    if isinstance(name, tuple):
        return Endpoint(str(name[0]), str(name[1]))
    path = os.fsdecode(name)
    return Endpoint("@" + path[1:] if path.startswith("\0") else path, "", unix=True)
