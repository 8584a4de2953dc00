"""The transport that a protocol has within TLS."""

from __future__ import annotations

import ssl

from hookserve.protocol.seam import Transport

RECORDS = 65536
"""Bytes that are decrypted at once: four records of the largest size (RFC 8446, 5.1)."""
_PIECE = 262144
_JOIN_LIMIT = 65536


class TlsTransport(Transport):
    """Encrypts what is sent and decrypts what is received, over another transport.

    It has no `send_file`: the kernel would have to encrypt.
    """

    __slots__ = ("_incoming", "_outgoing", "_tls", "_under", "is_broken")

    def __init__(
        self,
        under: Transport,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
    ) -> None:
        self._under = under
        self._tls = tls
        self._incoming, self._outgoing = incoming, outgoing
        self.is_broken = False
        """Whether the client is gone or has timed out: nothing more can be sent."""

    def send(self, *buffers: bytes) -> None:
        """As `Transport.send`: what is small goes out in one record, what is large in pieces."""
        if sum(map(len, buffers)) <= _JOIN_LIMIT:
            buffers = (b"".join(buffers),)
        for buffer in buffers:
            view = memoryview(buffer)
            for start in range(0, len(view), _PIECE):
                self._tls.write(view[start : start + _PIECE])
                self.flush()

    def flush(self) -> None:
        """Send the records that OpenSSL has ready."""
        try:
            self._under.send(self._outgoing.read())
        except OSError:
            self.is_broken = True
            raise

    def receive(self, size: int) -> bytes:
        """As `Transport.receive`."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                pass
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            if self._outgoing.pending:
                self.flush()
            data = self._receive_records()
            if not data:
                return b""
            self._incoming.write(data)

    def _receive_records(self) -> bytes:
        try:
            return self._under.receive(RECORDS)
        except OSError:
            self.is_broken = True
            raise

    def waited(self) -> float:
        """As `Transport.waited`."""
        return self._under.waited()

    def begin_body(self) -> None:
        """As `Transport.begin_body`."""
        self._under.begin_body()

    @property
    def unsent(self) -> int:
        """As `Transport.unsent`, in records."""
        return self._under.unsent

    def may_persist(self) -> bool:
        """As `Transport.may_persist`."""
        return self._under.may_persist()
