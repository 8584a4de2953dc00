"""A reactor with a protocol of one line and no worker process."""

import os
import socket
import time
from types import SimpleNamespace

from hookserve.protocol.seam import (
    CLOSING,
    IDLE,
    PAUSED,
    READING_HEAD,
    READY,
    SUSPENDED,
    Connection,
)
from hookserve.reactor.reactor import Reactor
from hookserve.reactor.transport import SocketTransport
from hookserve.worker.scoreboard import Scoreboard

MORE = b"x" * 12_000_000
"""More than the kernel keeps of a connection."""


class Lines(Connection):
    """Echoes lines; ``quit`` closes, ``linger`` lingers besides, ``more`` is answered by `MORE`."""

    __slots__ = ("buffer",)

    def __init__(self):
        self.state, self.lingers, self.buffer = IDLE, False, b""

    def feed(self, data):
        if not data:
            self.state = CLOSING
            return CLOSING
        self.buffer += data
        return self._next_state()

    def _next_state(self):
        if b"\n" in self.buffer:
            self.state = READY
        else:
            self.state = READING_HEAD if self.buffer else IDLE
        return self.state

    def run(self, transport):
        line, _, self.buffer = self.buffer.partition(b"\n")
        try:
            transport.send((MORE if line == b"more" else line) + b"\n")
        except OSError:
            self.state = CLOSING
            return CLOSING
        if line in (b"quit", b"linger"):
            self.lingers = line == b"linger"
            self.state = CLOSING
            return CLOSING
        return self._next_state()

    def expire(self):
        self.state = CLOSING
        return CLOSING


class Elsewhere(Connection):
    """Each line begins an exchange that goes on elsewhere: `respond` and `end` are its moves.

    ``pause`` has nothing read until the exchange goes on; whatever else arrives is in `received`.
    """

    __slots__ = ("calls", "handle", "is_over", "received", "responses", "unsent")

    suspends = True
    made = []  # cleared by the fixture

    def __init__(self):
        self.state, self.lingers = IDLE, False
        self.responses, self.received, self.calls = [], [], []
        self.is_over, self.unsent = False, 0
        self.made.append(self)

    def attach(self, handle):
        self.handle = handle

    def feed(self, data):
        if self.state == IDLE:
            self.state = READY if data else CLOSING
            self.received.append(data)
        elif data == b"pause\n":
            self.state = PAUSED
        else:
            self.received.append(data)
        return self.state

    def respond(self, data, now=False):
        """Have something sent."""
        self.responses.append(data)
        (self.handle.resume_now if now else self.handle.resume)()

    def end(self):
        self.is_over = True
        self.handle.resume()

    def run(self, transport):
        self.state = SUSPENDED
        try:
            for response in self.responses:
                transport.send(response)
        except OSError:
            self.is_over = True
        self.responses.clear()
        self.unsent = transport.unsent
        if self.is_over:
            self.is_over, self.state = False, IDLE
        return self.state

    def expire(self):
        assert self.state == IDLE, "it has no deadline otherwise"
        self.state = CLOSING
        return CLOSING

    def drained(self):
        self.calls.append("drained")
        return self.state

    def leave(self):
        self.calls.append("leave")
        self.responses.append(b"bye\n")
        self.state, self.is_over = READY, True
        return READY

    def disconnected(self):
        self.calls.append("disconnected")


class FakeListener(socket.socket):
    """A socket with what a reactor asks of a listener."""

    refuses_new_connections = False

    @classmethod
    def open(cls, backlog=128):
        """Listening at a port that the kernel chooses."""
        with socket.create_server(("127.0.0.1", 0), backlog=backlog) as listening:
            listener = cls(fileno=listening.detach())
        listener.setblocking(False)
        return listener


class FakeWorker:
    """What a reactor needs of a worker; its connections are of the class `protocol`.

    `clock` may be set to one that a test moves; every deadline of the reactor follows it.
    """

    def __init__(self, protocol=Lines, **settings):
        self.protocol = protocol
        self.suspends = getattr(protocol, "suspends", False)
        values = {
            "keepalive": 5.0,
            "linger_timeout": 0.5,
            "worker_connections": 100,
            "body_rate": 0,
        }
        values |= dict.fromkeys(("header_timeout", "body_timeout", "write_timeout"), 5.0)
        self.config = SimpleNamespace(**{**values, **settings})
        self.clock = time.monotonic
        self.alive, self.is_quick, self.is_last = True, False, False
        self.accepts_again_at = self.ended_at = 0.0
        self.heartbeat_interval = None
        self.listener = FakeListener.open()
        self.listeners = (self.listener,)
        self.wakeup, self._write = os.pipe()
        self.counted = self.requests_in_flight = 0
        scoreboard = Scoreboard(1, 2)
        self.context = SimpleNamespace(scoreboard=scoreboard, slot=scoreboard.take())

    def serves_backlog(self, listener):
        return self.is_last

    def accept(self, listener):
        try:
            accepted, _ = listener.accept()
        except BlockingIOError:
            return None
        accepted.setblocking(False)
        return accepted.detach(), self.protocol()

    def notify(self):
        return self.clock()

    def idle(self):
        pass

    def process_signals(self):
        os.read(self.wakeup, 100)

    def count_open(self, count):
        self.counted = count

    def close(self):
        self.listener.close()
        os.close(self.wakeup)
        os.close(self._write)


class Setting:
    """Makes reactors with their workers, and clients of them; closes all."""

    def __init__(self):
        self._made, self._clients = [], []

    def make(self, hold=0, protocol=Lines, **settings):
        """A worker, and its reactor, which accepts and serves at once."""
        worker = FakeWorker(protocol, **settings)
        transport = SocketTransport(5.0, 5.0, worker.notify, hold)
        reactor = Reactor(worker, lambda accepted: reactor.exchange(accepted, transport))
        transport.hand_over = reactor.takeovers.hand_over
        reactor.start_accepting()
        self._made.append((worker, reactor))
        return worker, reactor

    def connect(self, worker):
        """A client of the worker."""
        client = socket.create_connection(worker.listener.getsockname(), timeout=5)
        self._clients.append(client)
        return client

    def close(self):
        for client in self._clients:
            client.close()
        for worker, reactor in self._made:
            close_reactor(reactor)
            worker.close()


def close_reactor(reactor):
    """Release what a worker's process would release by its end."""
    for fd in (*reactor.open, *wakeup_fds(reactor._deferred._wakeup)):
        os.close(fd)
    reactor._poller.close()


def close_worker(worker, end):
    """Release what a worker with a reactor and its arbiter's end of the channel hold."""
    close_reactor(worker.reactor)
    for fd in wakeup_fds(worker._Worker__wakeup):
        os.close(fd)
    worker.context.channel.close()
    end.close()


def wakeup_fds(wakeup):
    """Both ends of the pipe."""
    return wakeup._read, wakeup._write


def drain(reactor, deadline):
    """As `ReactorWorker.drain`."""
    reactor.begin_drain()
    while reactor.is_draining(deadline):
        reactor.turn(min(reactor.pause(), 0.05))


def turn_until(reactor, condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        reactor.turn(0.002)


def readable(client):
    client.setblocking(False)
    try:
        return client.recv(65536)
    except BlockingIOError:
        return None
    finally:
        client.setblocking(True)
