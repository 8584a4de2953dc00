"""One connection of the HTTP server: what has come, and what is still to be sent.

A connection is in one of four phases:

===========  =========================================  ====================================
phase        means                                      ends
===========  =========================================  ====================================
READING      the request is not complete                when it is, or in time
ANSWERING    the response is made, by a thread where    when it is made
             that waits for another process
SENDING      the client has not taken all of it         when it has, or in time
IDLE         there was a response, and no byte since    with the first byte, or in time
===========  =========================================  ====================================

*In time* is `CLIENT_TIME` after the phase began, however many bytes come in it.  Nothing here
waits, and only ANSWERING is another thread's.
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookserve_status.http_server import Service

_log = logging.getLogger("hookserve")
CLIENT_TIME = 10.0
"""Seconds for one phase."""
_SIZE = 1 << 14
"""Bytes of the longest request."""
_MOST_DISCARDED = 1 << 18
"""Bytes that are read and discarded before a connection is closed."""
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r?\n", re.IGNORECASE)
_TOO_LONG = (
    b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 29\r\nConnection: close\r\n\r\n"
    b"expected at most 16384 bytes\n"
)


class Phase(IntEnum):
    """The sooner one is listed, the sooner its connections give way to others."""

    IDLE = 0
    READING = 1
    SENDING = 2
    ANSWERING = 3


class Connection:
    """One client; `wake` ends the wait of the server's loop."""

    def __init__(self, fd: int, service: Service, wake: Callable[[], None]) -> None:
        self.socket = socket.socket(fileno=fd)
        self.socket.setblocking(False)
        self._service, self._wake = service, wake
        self._received = self._unsent = b""
        self._is_last = False
        """Whether it is closed after the response."""
        self.phase = Phase.READING
        self.deadline = time.monotonic() + CLIENT_TIME
        """When it is closed, in seconds of the monotonic clock."""

    @property
    def is_silent(self) -> bool:
        """Whether no byte of a request has come."""
        return self.phase in (Phase.IDLE, Phase.READING) and not self._received

    def on_ready(self) -> None:
        """Read or write what is possible at once."""
        if self.phase is Phase.SENDING:
            self._send()
        elif self.phase is not Phase.ANSWERING:
            self._receive()

    def close(self) -> None:
        """Close the socket; the service has the connection no more."""
        # What is left unread would reset the connection, and the response could be lost.
        with contextlib.suppress(OSError):
            self.socket.recv(_MOST_DISCARDED)
        self.socket.close()
        self._service.connections.discard(self)

    def _enter(self, phase: Phase) -> None:
        self.deadline = inf if phase is Phase.ANSWERING else time.monotonic() + CLIENT_TIME
        self.phase = phase

    def _receive(self) -> None:
        try:
            data = self.socket.recv(_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._received += data
        self._process_received()

    def _process_received(self) -> None:
        """Answer the first request that has been received, once it is complete."""
        self._received = self._received.lstrip(b"\r\n")
        size = _request_size(self._received)
        if size > _SIZE:
            self._unsent, self._is_last = _TOO_LONG, True
            self._enter(Phase.SENDING)
        elif size <= len(self._received):
            request, self._received = self._received[:size], self._received[size:]
            self._answer(request)
        elif self._received and self.phase is not Phase.READING:
            self._enter(Phase.READING)

    def _answer(self, request: bytes) -> None:
        self._enter(Phase.ANSWERING)
        if request.partition(b" ")[0] not in self._service.handler.waiting_methods:
            self._make_response(request)
            if not self._unsent and not self._received:
                self._send()  # else the loop sends it, and goes on with what was sent meanwhile
            return
        try:
            target = self._make_response_in_thread
            threading.Thread(target=target, args=(request,), daemon=True).start()
        except RuntimeError:  # no thread can be started
            self.close()

    def _make_response_in_thread(self, request: bytes) -> None:
        self._make_response(request)
        self._wake()

    def _make_response(self, request: bytes) -> None:
        self._is_last = True
        try:
            handler = self._service.handler(request, self.socket, self._service)
            self._unsent, self._is_last = handler.response, handler.close_connection
            self._write()  # what the client takes at once is sent before it could give way
        except Exception:
            _log.exception("a request to an auxiliary process failed")
        finally:
            self._enter(Phase.SENDING)

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[self.socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._unsent, self._is_last = b"", True

    def _send(self) -> None:
        if self._unsent:
            self._write()
        if self._unsent:
            return
        if self._is_last:
            self.close()
            return
        self._enter(Phase.IDLE)
        self._process_received()


def _request_size(received: bytes) -> int:
    """The bytes of the first request, as far as is known: more than there are while its head is
    not complete."""
    end = _HEAD_END.search(received)
    if end is None:
        return len(received) + 1
    length = _LENGTH.search(received, 0, end.end())
    return end.end() + (int(length[1]) if length else 0)
