"""A listening socket: it accepts, refuses new clients, and is removed without harm to others.

The arbiter holds it; workers inherit it across the fork.
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
import sys
import weakref
from collections.abc import Callable, Collection
from typing import NamedTuple

from hookserve.listeners.address import Address, Endpoint, FdAddress, TcpAddress, UnixAddress
from hookserve.listeners.refusal import drop_handshakes, has_handshake, stop_listening
from hookserve.listeners.tcp import unmapped
from hookserve.listeners.unix import remove_path

_NO_CLIENT = frozenset(
    {
        errno.ENETDOWN,
        errno.EPROTO,
        errno.ENOPROTOOPT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EOPNOTSUPP,
        errno.ENETUNREACH,
        errno.EPERM,
        errno.EINVAL,
        getattr(errno, "ENONET", errno.ENETDOWN),
    }
)
"""What accept(2) reports of a connection that has failed already, or that a firewall forbids, and
of a socket that another process has made to listen no more."""


class ListenerOptions(NamedTuple):
    """What holds for all listeners."""

    backlog: int = 2048
    """The accept queue's length, as listen(2) takes it."""
    reuse_port: bool = False
    """SO_REUSEPORT: other servers may listen on the same port."""
    defer_accept: bool = False
    """TCP_DEFER_ACCEPT: a connection is accepted when its first bytes are there."""
    user: int | None = None
    """The owner of unix sockets; `None`: as the process."""
    group: int | None = None
    """The group of unix sockets; `None`: as the process."""
    umask: int = 0
    """What a unix socket without a mode of its own does not allow."""
    flag: str = "--bind"
    """What the remedy of an error names."""
    is_dry_run: bool = False
    """Whether it is only to be found out if the addresses can be listened on: no client gets into
    a queue, and no path is made."""


_made: weakref.WeakSet[Listener] = weakref.WeakSet()
"""All in this process, the closed ones among them as long as something refers to them."""


uninherited: set[Listener] = set()
"""Those that are open and that no worker inherits (`hookserve.listeners.plugin_listeners`)."""


class Listener:
    """A bound, listening socket."""

    def __init__(
        self, listening: _socket.socket, address: Address, endpoint: Endpoint, inode: int = 0
    ) -> None:
        listening.setblocking(False)
        self.socket = listening
        self.address = address
        self.endpoint = endpoint
        self.is_tcp = not endpoint.unix
        self.is_dual = _serves_ipv4_too(listening)
        """Whether it takes clients of IPv4 and of IPv6."""
        self.refuses_new_connections = False
        """Whether no new client gets into the queue; in a worker, of a retired listener."""
        self.inode = inode
        """Of a unix socket's path as this socket made it; 0: there is none, or another socket
        made it."""
        _made.add(self)
        # The C method under socket.accept(): a descriptor and no socket object, which would cost
        # a getsockname(2) and two microseconds for each connection.
        self._accept: Callable[[], tuple[int, object]] = listening._accept  # type: ignore[attr-defined]  # typeshed does not know it

    @property
    def shown_address(self) -> str:
        """The address that it has, with the port that the kernel chose where 0 was asked for."""
        if not self.is_tcp:
            return str(self.address)
        real = str(TcpAddress(self.endpoint.host, int(self.endpoint.port)))
        return f"{self.address} ({real})" if isinstance(self.address, FdAddress) else real

    def fileno(self) -> int:
        """The descriptor; -1 when closed."""
        return self.socket.fileno()

    def accept(self) -> tuple[int, object] | None:
        """A connection's non-blocking, non-inheritable descriptor and its peer's address.

        `None` when no client waits, or the one that waited has gone.  Raises OSError when no
        descriptor or memory is to be had.
        """
        try:
            fd, peer = self._accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:
            if error.errno in _NO_CLIENT:
                return None
            raise
        os.set_blocking(fd, False)
        return fd, unmapped(peer) if self.is_dual else peer

    def refuse_new_connections(self) -> None:
        """Let no new client into the queue, whichever process holds the socket; for good.

        Without that, a client that comes between the last accept(2) and the close is connected,
        and reset.  A socket that was handed in is left alone: the process that did so may still
        need it.
        """
        self.refuses_new_connections = True
        if isinstance(self.address, UnixAddress):
            self.remove()
        elif isinstance(self.address, TcpAddress):
            drop_handshakes(self.socket)

    def retire(self) -> None:
        """As `refuse_new_connections`, where no arbiter is left: a path stays as it is, for the
        next server may be about to replace it.  A socket that was handed in is not retired: what
        waits there is the next server's.
        """
        if isinstance(self.address, FdAddress):
            return
        self.refuses_new_connections = True
        if isinstance(self.address, TcpAddress):
            drop_handshakes(self.socket)
            return
        with contextlib.suppress(OSError):  # a sandbox may not have it
            self.stop_listening()

    def has_handshake(self) -> bool:
        """Whether a client that believes it is connected is about to come into the queue."""
        return isinstance(self.address, TcpAddress) and has_handshake(int(self.endpoint.port))

    def stop_listening(self) -> bool:
        """Once no client waits, end the socket in all processes: new clients are refused at once.

        Returns whether that is done, or cannot be done.
        """
        if sys.platform != "linux" or isinstance(self.address, FdAddress):
            return True
        if isinstance(self.address, TcpAddress):
            return stop_listening(self.socket)
        self.socket.shutdown(_socket.SHUT_RD)  # those that wait can still be accepted
        return True

    def close(self) -> None:
        """Close this process's descriptor."""
        self.socket.close()

    def remove(self) -> None:
        """Unlink the path of a unix socket if it is still this socket's."""
        if not self.inode or not isinstance(self.address, UnixAddress):
            return
        with contextlib.suppress(OSError):
            remove_path(self.address, self.inode)
        self.inode = 0  # the next socket at this path may get the same


def _serves_ipv4_too(listening: _socket.socket) -> bool:
    return listening.family == _socket.AF_INET6 and not listening.getsockopt(
        _socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY
    )


def held_endpoints(besides: Collection[Listener]) -> list[Endpoint]:
    """Where the open listeners of this process listen, but for those of `besides`."""
    return [each.endpoint for each in _made if each.fileno() >= 0 and each not in besides]
