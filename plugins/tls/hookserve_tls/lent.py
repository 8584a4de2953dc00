"""The socket that an application gets when it takes over a connection with TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

from hookserve.protocol.lent import LentSocket
from hookserve_tls.transport import RECORDS

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_PIECE = 262144
_LAST_TIME = 1.0
"""How long the record that ends the connection may take to be sent, in seconds."""


class TlsSocket(LentSocket):
    """A socket that encrypts what is sent and decrypts what is received.

    It goes on with a handshake that is done.  One thread may receive while others send: OpenSSL's
    object is guarded, and free while a thread waits for the client.  What `ssl.SSLSocket` says of
    the connection is said here too.  Waiting for the descriptor (select(2)) does not see what is
    decrypted already: `pending` does.
    """

    def begin(
        self,
        tls: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        received: bytes,
    ) -> None:
        """Go on with that connection, of which `received` is decrypted already."""
        self._tls, self._incoming, self._outgoing = tls, incoming, outgoing
        self._received = received
        self._guard = threading.Lock()
        """Held for what OpenSSL does; never while waiting."""
        self._order = threading.Lock()
        """Held until records are sent, so that they go out in their order."""

    def recv(self, size: int = 1024, flags: int = 0, /) -> bytes:
        """As `ssl.SSLSocket.recv`: decrypted bytes, empty at the end."""
        self._refuse_flags(flags)
        while True:
            with self._guard:
                data = self._read(size)
                has_records = bool(self._outgoing.pending)
            if has_records:
                self._send_records()
            if data is not None:
                return data
            records = super().recv(RECORDS)
            with self._guard:
                if records:
                    self._incoming.write(records)
                else:
                    self._incoming.write_eof()

    def recv_into(self, buffer: WriteableBuffer, size: int = 0, flags: int = 0) -> int:
        """As `ssl.SSLSocket.recv_into`; files of `makefile` read by it."""
        view = memoryview(buffer).cast("B")
        data = self.recv(size or len(view), flags)
        view[: len(data)] = data
        return len(data)

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """As `ssl.SSLSocket.send`, but for that all of it is sent."""
        self.sendall(data, flags)
        return memoryview(data).nbytes

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """As `ssl.SSLSocket.sendall`."""
        self._refuse_flags(flags)
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _PIECE):
            self._send_records(view[start : start + _PIECE])

    def shutdown(self, how: int, /) -> None:
        """As `ssl.SSLSocket.shutdown`; before the last byte goes close_notify (RFC 8446, 6.1)."""
        if how != socket.SHUT_RD:
            self.notify_end()
        super().shutdown(how)

    def close(self) -> None:
        """As `socket.socket.close`, after close_notify."""
        self.notify_end()
        super().close()

    def notify_end(self) -> None:
        """Send close_notify, if that is not done; a client that does not read it is not waited
        for."""
        if self.fileno() < 0:
            return
        with self._guard:
            try:
                self._tls.unwrap()
            except ssl.SSLError:  # OpenSSL wants the client's close_notify, which is not waited for
                pass
        try:
            self.settimeout(_LAST_TIME)
            self._send_records()
        except OSError:  # the client is gone, or the application has closed the socket
            pass

    def pending(self) -> int:
        """As `ssl.SSLSocket.pending`."""
        with self._guard:
            return len(self._received) + self._tls.pending() + self._incoming.pending

    def getpeercert(self, binary_form: bool = False) -> Any:  # Any: as of SSLSocket
        """As `ssl.SSLSocket.getpeercert`."""
        return self._tls.getpeercert(binary_form)

    def cipher(self) -> tuple[str, str, int] | None:
        """As `ssl.SSLSocket.cipher`."""
        return self._tls.cipher()

    def version(self) -> str | None:
        """As `ssl.SSLSocket.version`."""
        return self._tls.version()

    def selected_alpn_protocol(self) -> str | None:
        """As `ssl.SSLSocket.selected_alpn_protocol`."""
        return self._tls.selected_alpn_protocol()

    def _read(self, size: int) -> bytes | None:
        """What is decrypted, empty at the end; `None` when records are missing."""
        if self._received:
            data, self._received = self._received[:size], self._received[size:]
            return data
        try:
            return self._tls.read(size)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _send_records(self, data: memoryview | None = None) -> None:
        """Encrypt some bytes, and send whatever records there are."""
        with self._order:
            with self._guard:
                if data is not None:
                    self._tls.write(data)
                records = memoryview(self._outgoing.read())
            # Not by `sendall`, which some libraries make of `send`.
            while records:
                records = records[super().send(records) :]

    def _refuse_flags(self, flags: int) -> None:
        if flags:
            raise ValueError("flags are not for a connection with TLS")
