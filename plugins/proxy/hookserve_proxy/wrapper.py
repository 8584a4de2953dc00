"""The PROXY protocol between the socket and what is within, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve.protocol.seam import CLOSING, READING_HEAD, Connection, Protocol
from hookserve.protocol.trust import trusts
from hookserve.protocol.wrappers import ConnectionWrapper
from hookserve_proxy.header import BadHeader, Header, NoHeader, parse

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


class ProxyProtocol(Protocol):
    """The PROXY protocol on one listener of one worker."""

    __slots__ = ("_inner", "_is_trusted", "is_optional", "version")

    def __init__(self, inner: Protocol, config: Config) -> None:
        super().__init__(inner.worker, inner.local, inner.buffered)
        self._inner = inner
        self._is_trusted = trusts(config.proxy_allow_ips)
        self.version: str = config.proxy_protocol
        self.is_optional = self.version == "auto"
        """Whether a connection may begin without a header, as with gunicorn's ``auto``."""

    def connect(self, address: object) -> Connection:
        """A connection that begins with a header if it is from a trusted address (or may, with
        ``auto``); from any other address a header is a bad request."""
        host = address[0] if isinstance(address, tuple) else ""
        connection = self._inner.connect(address)
        if not self._is_trusted(host):
            return connection
        return ProxyConnection(connection, self, host)


class ProxyConnection(ConnectionWrapper):
    """A connection of a trusted proxy."""

    __slots__ = ("_address", "_buffer", "_has_begun", "_protocol")

    def __init__(self, inner: Connection, protocol: ProxyProtocol, address: str) -> None:
        super().__init__(inner)
        self._protocol = protocol
        self._address = address
        self._buffer = b""
        self._has_begun = False
        """Whether the header was read, or is known not to come."""

    def feed(self, data: bytes) -> int:
        """As `Connection.feed`, after the header."""
        if self._has_begun:
            self.state = self.inner.feed(data)
            return self.state
        self._buffer += data
        try:
            header = parse(self._buffer, self._protocol.version) if data else None
        except BadHeader as error:
            if isinstance(error, NoHeader) and self._protocol.is_optional:
                self._has_begun = True
                rest, self._buffer = self._buffer, b""
                self.state = self.inner.feed(rest)
                return self.state
            self._log_refusal(error)
            header = None
            data = b""
        if header is None:
            self.state = READING_HEAD if data else CLOSING
            return self.state
        self._has_begun = True
        self.inner.set_connection_info(_info_of(header))
        if not header.protocol:
            # The connection's own addresses count (2.1, 2.2), but not the proxy's word.
            self.inner.distrust()
        rest, self._buffer = self._buffer[header.size :], b""
        self.state = self.inner.feed(rest) if rest else READING_HEAD
        return self.state

    def _log_refusal(self, error: BadHeader) -> None:
        self._protocol.worker.log.warning(
            "refused a connection of the proxy %s: PROXY protocol: %s",
            self._address or "unix:",
            error,
        )

    def expire(self) -> int:
        """As `Connection.expire`; a client that has sent no whole header is closed silently."""
        self.state = self.inner.expire() if self._has_begun else CLOSING
        return self.state


def _info_of(header: Header) -> dict[str, Any]:  # Any: PEP 3333
    """What an environ has of a header; nothing where the addresses are the proxy's own."""
    info: dict[str, Any] = {}  # Any: PEP 3333
    if header.protocol:
        info["PROXY_PROTOCOL"] = header.protocol
        info["REMOTE_ADDR"], info["REMOTE_PORT"] = header.source
        info["PROXY_ADDR"], info["PROXY_PORT"] = header.destination
    if header.is_encrypted:
        info["wsgi.url_scheme"] = "https"
    return info
