"""TCP sockets: all addresses that a name has, both families where a wildcard means both."""

from __future__ import annotations

import _socket
import contextlib
import errno
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeGuard

from hookserve.listeners.address import Address, TcpAddress
from hookserve.listeners.refusal import drop_handshakes
from hookserve.system.calls import Socket, getaddrinfo

if TYPE_CHECKING:
    from hookserve.listeners.listener import ListenerOptions

_IPV6_WILDCARD, _IPV4_WILDCARD = "::", "0.0.0.0"
_MAPPED = "::ffff:"
_ABSENT = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def resolve(address: TcpAddress) -> list[TcpAddress]:
    """The numeric addresses that a name has here, in the resolver's order; raises OSError.

    A host that is a number already is kept as it is written.
    """
    found = _look_up(address)
    if len(found) == 1 and (address.host[0].isdigit() or ":" in address.host):
        return [address]
    return list(dict.fromkeys(TcpAddress(str(where[0]), address.port) for *_, where in found))


def is_absent(error: OSError) -> bool:
    """Whether the machine has no such address: of a name with several, the others serve.

    ``::1`` stands in many an /etc/hosts where IPv6 is switched off.
    """
    return error.errno in _ABSENT


def serves_both_families(address: Address, addresses: Iterable[Address]) -> bool:
    """Whether a socket takes IPv4 too: ``[::]``, unless 0.0.0.0 with its port is listed as well."""
    return is_ipv6_wildcard(address) and ipv4_wildcard(address.port) not in tuple(addresses)


def is_ipv6_wildcard(address: Address) -> TypeGuard[TcpAddress]:
    """Whether it is ``[::]``."""
    return isinstance(address, TcpAddress) and address.host == _IPV6_WILDCARD


def ipv4_wildcard(port: int) -> TcpAddress:
    """``0.0.0.0`` with that port."""
    return TcpAddress(_IPV4_WILDCARD, port)


@contextlib.contextmanager
def sharing_port(sockets: Iterable[Socket]) -> Iterator[None]:
    """Meanwhile a socket of this user may be bound to an address that overlaps with those of these
    sockets, if it has SO_REUSEPORT too (socket(7); Linux 3.9).  The kernel gives a client to the
    socket whose address says most."""
    changed = [
        each for each in sockets if not each.getsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT)
    ]
    for each in changed:
        each.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
    try:
        yield
    finally:
        for each in changed:
            each.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 0)


def unmapped(peer: object) -> object:
    """A client's address as IPv4 where it is IPv4-mapped (RFC 4291, section 2.5.5.2)."""
    if isinstance(peer, tuple) and peer[0].startswith(_MAPPED) and "." in peer[0]:
        return peer[0].removeprefix(_MAPPED), peer[1]
    return peer


def bind_tcp(address: TcpAddress, options: ListenerOptions, both: bool) -> Socket:
    """A listening socket; in a dry run one that takes no client.  Raises OSError."""
    family, kind, protocol, _, where = _look_up(address)[0]
    listening = Socket(family, kind, protocol)
    try:
        listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if options.reuse_port:
            listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEPORT, 1)
        if family == _socket.AF_INET6:
            # Set either way, for the default (net.ipv6.bindv6only) differs between systems.
            listening.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0 if both else 1)
        # Accepted sockets inherit it on Linux: a response is never held back for more.
        listening.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if options.defer_accept and hasattr(_socket, "TCP_DEFER_ACCEPT"):
            listening.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_DEFER_ACCEPT, 1)
        listening.bind(where)
        if not options.is_dry_run:
            listening.listen(options.backlog)
        elif not options.reuse_port:  # else clients of those that share the port would come to it
            # A socket that does not listen lets others of this process have the same address.
            drop_handshakes(listening)
            listening.listen(0)
    except BaseException:
        listening.close()
        raise
    return listening


def _look_up(address: TcpAddress) -> list[tuple]:  # type: ignore[type-arg]  # as typeshed has it
    # As bytes, where that says the same: a string would be put through the codec of idna, whose
    # tables take a quarter of a megabyte.
    host = address.host.encode() if address.host.isascii() else address.host
    try:
        return getaddrinfo(host, address.port, 0, _socket.SOCK_STREAM, 0, _socket.AI_PASSIVE)
    except UnicodeError:  # of that codec: no host can have the name
        raise _socket.gaierror(_socket.EAI_NONAME, "no host can have that name") from None
