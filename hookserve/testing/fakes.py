"""A worker, a transport and a handle that exist in memory alone, for tests of protocols.

`Conversation` is one connection and what a worker does with it: ``feed`` and ``run``, and for an
exchange that is suspended ``wait_resumed``, ``drain``, ``leave`` and ``disconnect``.
"""

from __future__ import annotations

import io
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import IO

from hookserve.config.resolved import Config, SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.protocol.seam import (
    CLOSING,
    READY,
    SUSPENDED,
    Connection,
    ConnectionHandle,
    Protocol,
    Transport,
)
from hookserve.types import WSGIApplication
from hookserve.worker.layout import REQUEST_SLOT_SIZE
from hookserve.worker.request_slots import RequestSlot


def configure(settings: Mapping[str, object]) -> Config:
    """The configuration with these settings, and the defaults of all others."""
    table = declare_settings(load_plugins([], {}))
    return resolve(table, [SettingsSource("test", settings)])


class StandInWorker:
    """What a `hookserve.worker.base.Worker` lends a protocol, without a process."""

    multithread = False
    """As `Worker.multithread`."""
    multiprocess = False
    """As ``wsgi.multiprocess``."""
    awaited_body = 0
    """As `Worker.awaited_body`."""
    hands_over = False
    """As `Worker.hands_over`."""
    interface = "wsgi"
    """As `Worker.interface`."""
    server_software = "hookserve"
    """As `Worker.server_software`."""
    alive = True
    """As `Worker.alive`."""
    is_quick = False
    """As `Worker.is_quick`."""

    def __init__(self, app: WSGIApplication, config: Config) -> None:
        self.config = config
        """As `Worker.config`."""
        self.app = app
        """The application."""
        self.keeps_connections = True
        """As `Worker.keeps_connections`."""
        self.log = logging.Logger("hookserve.fake", logging.CRITICAL + 1)
        """A logger that logs nothing."""
        self.pre_request: tuple[Callable[..., None], ...] = ()
        """Functions, as plugins have them."""
        self.post_request: tuple[Callable[..., None], ...] = ()
        """Functions, as plugins have them."""
        self.log_access: tuple[Callable[..., None], ...] = ()
        """Functions, as plugins have them."""
        self.errors = io.StringIO()
        """As ``wsgi.errors``."""
        self.clock = time.monotonic
        """Seconds of the monotonic clock."""
        self.wall_clock = time.time
        """Seconds since the epoch."""
        self.calendar = time.gmtime
        """The calendar time of an access record."""
        self.context = SimpleNamespace(host=SimpleNamespace(hook=SimpleNamespace()))
        """As of a worker, without plugins."""
        self.begun = 0
        """How many requests have begun."""
        self.ended: list[tuple[int, int]] = []
        """Class of the status and bytes sent of each request that is over."""
        self.has_worked = False
        """As of a worker: whether its hook worker_idle is due."""

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        """As `Worker.begin`."""
        self.begun += 1
        request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
        request_slot.begin(self.clock(), label, request_id)
        return request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        """As `Worker.end`."""
        self.ended.append((status_class, sent))

    def notify(self) -> float:
        """As `Worker.notify`."""
        return self.clock()

    def end_if_forked(self, error: BaseException | None = None) -> None:
        """As `Worker.end_if_forked`, where nothing forks."""

    def spool(self) -> IO[bytes]:
        """As `Worker.spool`."""
        return tempfile.TemporaryFile()


class MemoryTransport(Transport):
    """Collects what is sent, and receives from a list of pieces.

    After `limit` calls of `send` the client is gone.  While `is_full`, the kernel takes nothing:
    what is sent counts as unsent.
    """

    is_full = False
    """Whether the kernel takes nothing."""

    def __init__(self, pieces: Iterable[bytes] = (), limit: float = float("inf")) -> None:
        self.pieces = list(pieces)
        """What is to be received."""
        self.sent = b""
        """What the client has received, or will receive."""
        self._unsent = 0
        self.received = 0
        """How often something was received."""
        self.left = limit
        """How many more sends succeed."""

    def send(self, *buffers: bytes) -> None:
        """Collect."""
        self.left -= 1
        if self.left < 0:
            raise BrokenPipeError("the client is gone")
        data = b"".join(buffers)
        self.sent += data
        if self.is_full:
            self._unsent += len(data)

    def receive(self, size: int) -> bytes:
        """The next piece, or as much of it as is wanted."""
        self.received += 1
        if not self.pieces:
            return b""
        piece, rest = self.pieces[0][:size], self.pieces[0][size:]
        self.pieces[:1] = [rest] if rest else []
        return piece

    @property
    def unsent(self) -> int:
        """As `Transport.unsent`."""
        return self._unsent

    def drain(self) -> None:
        """The kernel takes everything again."""
        self.is_full, self._unsent = False, 0


class FakeHandle(ConnectionHandle):
    """The worker's side of a connection: notes that the exchange is to run again.

    `resume_now` runs it at once where it is suspended and nothing runs, as a worker does.
    """

    __slots__ = ("_conversation", "_resumed", "resumes")

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._resumed = threading.Event()
        self.resumes = 0
        """How often it was asked for."""

    def resume(self) -> None:
        """As `ConnectionHandle.resume`."""
        self.resumes += 1
        self._resumed.set()

    def resume_now(self) -> None:
        """As `ConnectionHandle.resume_now`."""
        self.resume()
        if not self._conversation.is_busy:
            self._conversation.go_on()

    def wait(self, seconds: float) -> bool:
        """Whether the exchange is to run again, within that time."""
        is_resumed = self._resumed.wait(seconds)
        self._resumed.clear()
        return is_resumed


class Conversation:
    """A new connection of a protocol, and what its worker does with it, in the caller's thread.

    Each method that ends in a state of the seam returns it; all of them are in `states` besides.
    """

    def __init__(
        self,
        protocol: Protocol,
        limit: float = float("inf"),
        address: object = ("203.0.113.9", 50000),
    ) -> None:
        self.connection = protocol.connect(address)
        """The protocol's side."""
        self.transport = MemoryTransport(limit=limit)
        """What exchanges send and receive with."""
        self.states = [self.connection.state]
        """Each state that was returned, and the first one."""
        self.is_busy = False
        """Whether a method of the connection runs."""
        self.handle = FakeHandle(self)
        """The worker's side."""
        if protocol.suspends:
            self.connection.attach(self.handle)

    @property
    def state(self) -> int:
        """The connection's."""
        return self.connection.state

    @property
    def sent(self) -> bytes:
        """What the client has received."""
        return self.transport.sent

    def feed(self, data: bytes) -> int:
        """The client sends something; empty: its end.  Runs what is ready then."""
        self._call(lambda: self.connection.feed(data))
        self.transport.sent += self.connection.interim()
        return self.run()

    def run(self) -> int:
        """Run exchanges as long as one is ready."""
        while self.state == READY:
            self._call(lambda: self.connection.run(self.transport))
        return self.state

    def go_on(self, seconds: float = 0.0) -> int:
        """Run the suspended exchange if it was resumed, or is within that time."""
        if self.handle.wait(seconds) and self.state >= SUSPENDED:
            self._call(lambda: self.connection.run(self.transport))
        return self.run()

    def drain(self) -> int:
        """The kernel has taken all that was unsent."""
        self.transport.drain()
        self._call(self.connection.drained)
        return self.run()

    def leave(self) -> int:
        """The worker is about to stop."""
        self._call(self.connection.leave)
        return self.run()

    def disconnect(self) -> None:
        """The connection is closed while its exchange is suspended."""
        self.connection.disconnected()

    def _call(self, method: Callable[[], int]) -> None:
        self.is_busy = True
        try:
            self.states.append(method())
        finally:
            self.is_busy = False


def converse(
    protocol: Protocol,
    pieces: Sequence[bytes],
    limit: float = float("inf"),
    peer: object = ("203.0.113.9", 50000),
) -> tuple[MemoryTransport, Connection]:
    """Feed the pieces as a worker would; the transport, and the connection at the end."""
    conversation = Conversation(protocol, limit, peer)
    transport, connection = conversation.transport, conversation.connection
    transport.pieces = list(pieces)
    while transport.pieces and connection.state != CLOSING:
        # A model that may block reads the rest of a body itself while the application runs.
        conversation.feed(transport.pieces.pop(0))
    return transport, connection
