"""A worker and a transport that exist in memory alone, for tests of protocols."""

from __future__ import annotations

import io
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import IO

from hookserve.config.resolved import Config, SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.protocol.seam import CLOSING, READY, Connection, Protocol, Transport
from hookserve.types import WSGIApplication
from hookserve.worker.scoreboard import REQUEST_SLOT_SIZE, RequestSlot


def configure(settings: Mapping[str, object]) -> Config:
    """The configuration with these settings, and the defaults of all others."""
    table = declare_settings(load_plugins([], {}))
    return resolve(table, [SettingsSource("test", settings)])


class StandInWorker:
    """What a `hookserve.worker.base.Worker` lends a protocol, without a process."""

    multithread = multiprocess = False
    server_software = "hookserve"
    awaited_body = 0
    alive = True

    def __init__(self, app: WSGIApplication, config: Config) -> None:
        self.config = config
        self.app = app
        self.keeps_connections = True
        self.log = logging.Logger("hookserve.fake", logging.CRITICAL + 1)
        self.pre_request: tuple[Callable[..., None], ...] = ()
        self.post_request: tuple[Callable[..., None], ...] = ()
        self.log_access: tuple[Callable[..., None], ...] = ()
        self.errors = io.StringIO()
        self.clock = time.monotonic
        self.wall_clock = time.time
        self.calendar = time.gmtime
        self.begun = 0
        self.ended: list[tuple[int, int]] = []
        """Class of the status and bytes sent of each request that is over."""

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """As `Worker.begin`."""
        self.begun += 1
        request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
        request_slot.begin(self.clock(), label, request_id)
        return request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        """As `Worker.end`."""
        self.ended.append((status_class, sent))

    def end_if_forked(self, error: BaseException | None = None) -> None:
        """As `Worker.end_if_forked`, where nothing forks."""

    def spool(self) -> IO[bytes]:
        """As `Worker.spool`."""
        return tempfile.TemporaryFile()


class MemoryTransport(Transport):
    """Collects what is sent, and receives from a list of pieces.

    After `limit` calls of `send` the client is gone.
    """

    def __init__(self, pieces: Iterable[bytes] = (), limit: float = float("inf")) -> None:
        self.pieces = list(pieces)
        self.sent = b""
        self.received = 0
        """How often something was received."""
        self._left = limit

    def send(self, *buffers: bytes) -> None:
        """Collect."""
        self._left -= 1
        if self._left < 0:
            raise BrokenPipeError("the client is gone")
        self.sent += b"".join(buffers)

    def receive(self, size: int) -> bytes:
        """The next piece, or as much of it as is wanted."""
        self.received += 1
        if not self.pieces:
            return b""
        piece, rest = self.pieces[0][:size], self.pieces[0][size:]
        self.pieces[:1] = [rest] if rest else []
        return piece


def converse(
    protocol: Protocol,
    pieces: Sequence[bytes],
    limit: float = float("inf"),
    peer: object = ("203.0.113.9", 50000),
) -> tuple[MemoryTransport, Connection]:
    """Feed the pieces as a worker would; the transport, and the connection at the end."""
    connection = protocol.connect(peer)
    transport = MemoryTransport(limit=limit)
    waiting = list(pieces)
    while waiting and connection.state != CLOSING:
        state = connection.feed(waiting.pop(0))
        transport.sent += connection.interim()
        while state == READY:
            # A model that may block reads the body itself while the application runs.
            transport.pieces = waiting
            state = connection.run(transport)
            waiting = transport.pieces
    return transport, connection
