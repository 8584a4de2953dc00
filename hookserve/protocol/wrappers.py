"""Connection wrappers between the sockets and a protocol: TLS, the PROXY protocol.

A wrapper is a protocol around another.  It takes the bytes that the socket brought and gives the
inner connection those that are meant for it, and does the same with the transport on the way out.
It does no I/O either, so every worker model carries it without knowing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hookserve.plugins import calling
from hookserve.protocol.seam import IDLE, Connection, ConnectionHandle, Protocol, Transport

if TYPE_CHECKING:
    from hookserve.hookspecs import ProtocolWrapper
    from hookserve.worker.base import Worker


def protocol_wrappers(worker: Worker) -> list[ProtocolWrapper]:
    """The wrappers of the plugins, the outermost first."""
    return [
        wrap for _, wrap in calling.collect(worker.context.host.hook.connection_wrappers, worker)
    ]


def wrap_protocol(worker: Worker, protocol: Protocol) -> Protocol:
    """The protocol with the wrappers of the plugins around it."""
    hook = worker.context.host.hook.connection_wrappers
    return calling.wrap(hook, protocol, lambda made: isinstance(made, Protocol), worker)


class ConnectionWrapper(Connection):
    """A wrapper's side of one connection; what it does not override goes to the inner one."""

    __slots__ = ("inner",)

    def __init__(self, inner: Connection) -> None:
        self.inner = inner
        self.state = IDLE

    @property
    def lingers(self) -> bool:
        """As `Connection.lingers`; it is kept by the inner connection alone."""
        return self.inner.lingers

    @lingers.setter
    def lingers(self, lingers: bool) -> None:
        self.inner.lingers = lingers

    def feed(self, data: bytes) -> int:
        """As `Connection.feed`."""
        self.state = self.inner.feed(data)
        return self.state

    def run(self, transport: Transport) -> int:
        """As `Connection.run`."""
        self.state = self.inner.run(transport)
        return self.state

    def expire(self) -> int:
        """As `Connection.expire`."""
        self.state = self.inner.expire()
        return self.state

    def fail(self, error: Exception) -> int:
        """As `Connection.fail`."""
        self.state = self.inner.fail(error)
        return self.state

    def interim(self) -> bytes:
        """As `Connection.interim`."""
        return self.inner.interim()

    def attach(self, handle: ConnectionHandle) -> None:
        """As `Connection.attach`."""
        self.inner.attach(handle)

    def drained(self) -> int:
        """As `Connection.drained`."""
        self.state = self.inner.drained()
        return self.state

    def leave(self) -> int:
        """As `Connection.leave`."""
        self.state = self.inner.leave()
        return self.state

    def release(self) -> bytes:
        """As `Connection.release`."""
        return self.inner.release()

    def disconnected(self) -> None:
        """As `Connection.disconnected`."""
        self.inner.disconnected()

    def set_connection_info(self, info: Mapping[str, object]) -> None:
        """As `Connection.set_connection_info`."""
        self.inner.set_connection_info(info)

    def distrust(self) -> None:
        """As `Connection.distrust`."""
        self.inner.distrust()

    def note_wait(self, transport: Transport) -> None:
        """As `Connection.note_wait`."""
        self.inner.note_wait(transport)
