"""TLS between the socket and a protocol (RFC 8446, RFC 5246), without I/O.

OpenSSL works on two buffers in memory: `feed` puts in what the socket brought and takes out what
is meant for the protocol; what OpenSSL wants to say is sent with the next `run`.  So a handshake is
waiting like a half head, and costs no thread.

A handshake is under the deadline of a request head, from the first byte to the first request.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from hookserve.protocol.seam import (
    CLOSING,
    IDLE,
    PAUSED,
    READING_HEAD,
    READY,
    Protocol,
    Transport,
)
from hookserve.protocol.wrappers import ConnectionWrapper
from hookserve_tls.connection_info import connection_info
from hookserve_tls.transport import RECORDS, TlsTransport

if TYPE_CHECKING:
    from hookserve.protocol.seam import Connection

_HANDSHAKE = 22
"""The first byte of a client's first record (RFC 8446, 5.1)."""
_PAGE = b"400 Bad Request: this port speaks TLS, use https\n"
_PLAIN = (
    b"HTTP/1.1 400 Bad Request\r\nDate: %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
)


class TlsProtocol(Protocol):
    """TLS on one listener of one worker."""

    __slots__ = ("_context", "_inner")

    def __init__(self, inner: Protocol, context: ssl.SSLContext) -> None:
        super().__init__(inner.worker, inner.local, inner.buffered)
        self._inner = inner
        self._context = context

    def connect(self, address: object) -> TlsConnection:
        """A connection whose handshake is to come."""
        return TlsConnection(self._inner.connect(address), self._context, self)


class TlsConnection(ConnectionWrapper):
    """One connection."""

    __slots__ = (
        "_incoming",
        "_is_encrypted",
        "_is_new",
        "_is_over",
        "_outgoing",
        "_plain",
        "_protocol",
        "_tls",
    )

    def __init__(self, inner: Connection, context: ssl.SSLContext, protocol: TlsProtocol) -> None:
        super().__init__(inner)
        self._protocol = protocol
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._plain = b""
        """The response to a client that does not speak TLS."""
        self._is_encrypted = False
        """Whether the handshake is done."""
        self._is_new = True
        """Whether no exchange has run yet."""
        self._is_over = False
        """Whether all that is left is to send the last records."""

    def feed(self, data: bytes) -> int:
        """Take records; see `Connection.feed`."""
        if self._is_over:
            return self.state
        if not data:
            self.state = self.inner.feed(b"") if self._is_encrypted else CLOSING
            return self.state
        if self.state == IDLE and not self._is_encrypted and data[0] != _HANDSHAKE:
            self._plain = self._plain_response(data)
            return self._end()
        self._incoming.write(data)
        try:
            if not self._is_encrypted:
                self._tls.do_handshake()
                self._is_encrypted = True
                self.inner.set_connection_info(connection_info(self._tls))
            return self._take_in()
        except ssl.SSLWantReadError:
            return self._stand(READING_HEAD)
        except ssl.SSLError as error:
            self._protocol.worker.log.debug("TLS failed: %s", error.reason or error)
            return self._end()

    def run(self, transport: Transport) -> int:
        """Send the records of the handshake, or run the exchange."""
        release = self.inner.release
        encrypted = TlsTransport(transport, self._tls, self._incoming, self._outgoing, release)
        try:
            if self._is_over:
                return self._send_last_records(transport, encrypted)
            if self.inner.state != READY and self._outgoing.pending:
                if self._is_new:  # the client goes on when it has read that
                    self.inner.note_wait(transport)
                encrypted.flush()
            if self.inner.state < READY:
                return self._stand(self.inner.state)
        except OSError:  # the client is gone
            self.state = CLOSING
            return CLOSING
        self._is_new = False
        state = self.inner.run(encrypted)
        if state == CLOSING:
            return self._send_last_records(transport, encrypted)
        if state != PAUSED and (self._incoming.pending or self._tls.pending()):
            try:
                return self._take_in()
            except ssl.SSLError:
                return self._end()
        self.state = state
        return state

    def expire(self) -> int:
        """A deadline has passed: after the handshake close_notify is sent (RFC 8446, 6.1)."""
        if not self._is_encrypted or self._is_over:
            self.state = CLOSING
        elif self.inner.expire() == READY:
            self.state = READY
        else:
            self._end()
        return self.state

    def fail(self, error: Exception) -> int:
        """As `Connection.fail`; before the handshake there is nothing to send a response with."""
        can_respond = self._is_encrypted and not self._is_over
        self.state = self.inner.fail(error) if can_respond else CLOSING
        return self.state

    def drained(self) -> int:
        """As `Connection.drained`."""
        return self._stand(self.inner.drained())

    def leave(self) -> int:
        """As `Connection.leave`."""
        return self._stand(self.inner.leave())

    def release(self) -> bytes:
        """As `Connection.release`: nothing, for what has been fed is within (`TlsTransport`)."""
        return b""

    def interim(self) -> bytes:
        """The interim response of the protocol, in records."""
        interim = self.inner.interim()
        if interim:
            self._tls.write(interim)
        return self._outgoing.read()

    def _take_in(self) -> int:
        """Feed the protocol what was decrypted for it."""
        parts: list[bytes] = []
        is_open = True
        try:
            while data := self._tls.read(RECORDS):
                parts.append(data)
            is_open = False
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            is_open = False
        if parts:
            self.inner.feed(b"".join(parts))
        if not is_open:
            self.inner.feed(b"")
        return self._stand(self.inner.state)

    def _stand(self, state: int) -> int:
        """The state, when the protocol's is `state`."""
        if state not in (READY, CLOSING) and self._outgoing.pending:
            state = READY  # to send it
        elif state == IDLE and self._is_new:
            state = READING_HEAD  # its first request is due
        self.state = state
        return state

    def _plain_response(self, data: bytes) -> bytes:
        """The response to a client that began with `data`."""
        from email.utils import formatdate

        date = formatdate(self._protocol.worker.wall_clock(), usegmt=True).encode()
        # RFC 9110, 9.3.2: the response to HEAD has no content.
        return _PLAIN % (date, len(_PAGE), b"" if data.startswith(b"HEAD ") else _PAGE)

    def _end(self) -> int:
        self._is_over = True
        self.state = READY
        return READY

    def _send_last_records(self, transport: Transport, encrypted: TlsTransport) -> int:
        """Send what comes last: the response to a plain client, an alert, or close_notify."""
        self.state = CLOSING
        if encrypted.is_over:
            return CLOSING
        self.lingers = self.lingers or self._is_over
        try:
            if self._is_encrypted:
                self._tls.unwrap()
        except ssl.SSLError:  # OpenSSL wants the client's close_notify, which is not waited for
            pass
        try:
            if self._plain:
                transport.send(self._plain)
            elif self._outgoing.pending:
                encrypted.flush()
        except OSError:  # the client is gone
            pass
        return CLOSING
