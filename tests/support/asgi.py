"""ASGI without sockets: a worker with a real event loop, and a client that is bytes."""

import asyncio
import os

import support.corpus_driver as driver
from hookserve_asgi.protocol import AsgiProtocol
from support.coroutines import turns

from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, READY, SUSPENDED, ConnectionHandle
from hookserve.reactor.coroutines import CoroutineStarter
from hookserve.testing.fakes import MemoryTransport

GET = b"GET /x?y=1 HTTP/1.1\r\nHost: h\r\n\r\n"
START = {"type": "http.response.start", "status": 200, "headers": []}
LENGTH_2 = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}


def post(body=b"", length=None, extra=b""):
    """A request with a body, of which only a part may be there."""
    size = len(body) if length is None else length
    return b"POST / HTTP/1.1\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n" % (extra, size) + body


def part(data=b"", more=False):
    """An event with a part of a response's body."""
    return {"type": "http.response.body", "body": data, "more_body": more}


HELLO = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def hello(scope, receive, send):
    """An application that responds with two bytes, and never waits."""
    await send(LENGTH_2)
    await send(part(b"ok"))


class Transport(MemoryTransport):
    """One whose client takes so many bytes."""

    def __init__(self, room=float("inf"), limit=float("inf")):
        super().__init__(limit=limit)
        self.room = room

    @property
    def unsent(self):
        return max(0, len(self.sent) - self.room)

    def send_file(self, fileno, offset, count):
        data = os.pread(fileno, count, offset)
        self.send(data)
        return len(data)


class TextTransport(MemoryTransport):
    """One that cannot send files."""


class Client(ConnectionHandle):
    """A client of a protocol, and the worker's side of its connection."""

    def __init__(self, protocol, transport):
        self.protocol = protocol
        self.transport = transport
        self.is_closed = self._runs = self._is_resumed = False
        self.connection = protocol.connect(("203.0.113.9", 50000))
        self.connection.attach(self)
        self.loop = protocol.worker.loop

    @property
    def sent(self):
        """What the client has received, without the date."""
        lines = self.transport.sent.split(b"\r\n")
        dropped = (b"Date:", b"Server:")
        return b"\r\n".join(each for each in lines if not each.startswith(dropped))

    @property
    def state(self):
        return self.connection.state

    def feed(self, data, count=4):
        """Send bytes, and let the application go on."""
        self.loop.call_soon(self._feed, data)
        turns(self.loop, count)
        return self

    def turn(self, count=4):
        """Let the application go on."""
        turns(self.loop, count)
        return self

    def wait(self, condition):
        """Let it go on until the condition is true."""

        async def look():
            async with asyncio.timeout(5):
                while not condition():
                    await asyncio.sleep(0.001)

        self.loop.run_until_complete(look())
        return self

    def take_all(self):
        """The client reads all that was sent."""
        self.transport.room = float("inf")
        self.loop.call_soon(self.connection.drained)
        return self.turn()

    def leave(self):
        """The client closes its connection."""
        self.loop.call_soon(self._leave)
        return self.turn()

    def _leave(self):
        self.is_closed = True
        if self.state >= SUSPENDED:
            self.connection.disconnected()

    def resume(self):
        self._is_resumed = True
        if not self._runs:
            self.loop.call_soon(self._run)

    def resume_now(self):
        self._is_resumed = True
        if not self._runs:
            self._run()

    def _feed(self, data):
        if self.connection.feed(data) == READY:
            self._is_resumed = True
            self._run()

    def _run(self):
        self._runs = True
        while not self.is_closed and (self._is_resumed or self.state == READY):
            self._is_resumed = False
            if self.connection.run(self.transport) == CLOSING:
                self.is_closed = True
        self._runs = False


def make_protocol(loop, application, kind=AsgiProtocol, **settings):
    """The protocol, of that kind, of a worker that runs coroutines."""
    worker = driver.make_worker(application, **settings)
    worker.loop = loop
    worker.starter = CoroutineStarter(loop)
    worker.start_coroutine = worker.starter.start
    return kind(worker, Endpoint("127.0.0.1", "8000"), False)
