"""The transport that a protocol has within TLS."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve.protocol.seam import Transport

if TYPE_CHECKING:
    from hookserve_tls.lent import TlsSocket

RECORDS = 65536
"""Bytes that are decrypted at once: four records of the largest size (RFC 8446, 5.1)."""
_PIECE = 262144
_JOIN_LIMIT = 65536


class TlsTransport(Transport):
    """Encrypts what is sent and decrypts what is received, over another transport.

    It has no `send_file`: the kernel would have to encrypt.
    """

    __slots__ = ("_incoming", "_outgoing", "_release", "_tls", "_under", "is_over")

    def __init__(
        self,
        under: Transport,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        release: Callable[[], bytes],
    ) -> None:
        self._under = under
        self._tls = tls
        self._incoming, self._outgoing = incoming, outgoing
        self._release = release
        self.is_over = False
        """Whether nothing more can be sent by it: the client is gone or has timed out, or the
        connection has been taken over, and close_notify is the application's."""

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
            self.is_over = True
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
            self.is_over = True
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

    def take_over(self, received: bytes, on_leave: Callable[[], object] | None) -> TlsSocket:
        """As `Transport.take_over`; `received` has been decrypted."""
        from hookserve_tls.lent import TlsSocket

        # Records that have been fed are in OpenSSL's buffer: there is nothing to put back.
        under = self._under.take_over(b"", on_leave)
        kind = under.family, under.type, under.proto
        taken = TlsSocket(*kind, fileno=os.dup(under.fileno()))
        taken.setblocking(True)
        taken.on_close, under.on_close = under.on_close, None
        under.close()
        taken.begin(self._tls, self._incoming, self._outgoing, received + self._release())
        self.is_over = True
        return taken

    def may_persist(self) -> bool:
        """As `Transport.may_persist`."""
        return self._under.may_persist()
