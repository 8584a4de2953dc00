"""The PROXY protocol between the socket and what is within, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import CLOSING, READING_HEAD, Connection, Protocol
from hookserve.protocol.trust import trusts
from hookserve.protocol.wrappers import ConnectionWrapper
from hookserve_proxy.header import BadHeader, Header, parse

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


class ProxyProtocol(Protocol):
    """The PROXY protocol on one listener of one worker."""

    __slots__ = ("_inner", "_is_trusted", "version")

    def __init__(self, inner: Protocol, config: Config) -> None:
        super().__init__(inner.worker, inner.local, inner.buffered)
        self._inner = inner
        self._is_trusted = trusts(config.proxy_allow_ips)
        self.version: str = config.proxy_protocol

    def connect(self, peer: object) -> Connection:
        """A connection that begins with a header, or, from anybody else, one that does not: there
        a header is a bad request like any other."""
        host = peer[0] if isinstance(peer, tuple) else ""
        connection = self._inner.connect(peer)
        if not self._is_trusted(host):
            return connection
        return ProxyConnection(connection, self, host)


class ProxyConnection(ConnectionWrapper):
    """A connection of a trusted proxy."""

    __slots__ = ("_buffer", "_has_begun", "_peer", "_protocol")

    def __init__(self, inner: Connection, protocol: ProxyProtocol, peer: str) -> None:
        super().__init__(inner)
        self._protocol = protocol
        self._peer = peer
        self._buffer = b""
        self._has_begun = False
        """Whether the header is behind us."""

    def feed(self, data: bytes) -> int:
        """As `Connection.feed`, after the header."""
        if self._has_begun:
            self.state = self.inner.feed(data)
            return self.state
        self._buffer += data
        try:
            header = parse(self._buffer, self._protocol.version) if data else None
        except BadHeader as error:
            log = self._protocol.worker.log
            log.warning("refused a connection of the proxy %s: PROXY protocol: %s",
                        self._peer or "unix:", error)  # fmt: skip
            header = None
            data = b""
        if header is None:
            self.state = READING_HEAD if data else CLOSING
            return self.state
        self._has_begun = True
        self.inner.set_connection_info(_facts_of(header))
        rest, self._buffer = self._buffer[header.size :], b""
        self.state = self.inner.feed(rest) if rest else READING_HEAD
        return self.state

    def expire(self) -> int:
        """As `Connection.expire`; who has not even sent a header is let go without a word."""
        self.state = self.inner.expire() if self._has_begun else CLOSING
        return self.state


def _facts_of(header: Header) -> dict[str, Any]:  # Any: PEP 3333
    """What an environ has of a header; nothing where the addresses are the proxy's own."""
    facts: dict[str, Any] = {}  # Any: PEP 3333
    if header.protocol:
        facts["PROXY_PROTOCOL"] = header.protocol
        facts["REMOTE_ADDR"], facts["REMOTE_PORT"] = header.source
        facts["PROXY_ADDR"], facts["PROXY_PORT"] = header.destination
    if header.is_secret:
        facts["wsgi.url_scheme"] = "https"
    return facts
