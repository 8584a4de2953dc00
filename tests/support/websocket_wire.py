"""A websocket of an ASGI application, without I/O: bytes are fed, what is sent is collected."""

import asyncio
import base64

from hookserve_asgi.protocol import AsgiProtocol
from websockets.frames import Frame, Opcode

from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, READY, ConnectionHandle
from hookserve.reactor.coroutines import CoroutineStarter
from hookserve.testing.fakes import MemoryTransport, StandInWorker, configure

KEY = base64.b64encode(b"k" * 16)
HANDSHAKE = (
    b"GET /chat?x=1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n"
)


def frame(opcode, data=b""):
    return Frame(opcode, data).serialize(mask=True)


def text(data):
    return frame(Opcode.TEXT, data.encode())


def close(code=1000):
    return frame(Opcode.CLOSE, code.to_bytes(2, "big"))


class Wire(ConnectionHandle):
    """A connection of a worker that is not there, on an event loop that runs when it is told to."""

    def __init__(self, app, **settings):
        self.loop = asyncio.new_event_loop()
        self.worker = worker = StandInWorker(app, configure(settings))
        worker.loop, worker.alive = self.loop, True
        self.starter = CoroutineStarter(self.loop)
        worker.start_coroutine = self.starter.start
        self.records = []
        worker.log_access = (self.records.append,)
        self.protocol = AsgiProtocol(worker, Endpoint("x", "80"), buffered=False)
        self.connection = self.protocol.connect(("203.0.113.9", 50000))
        self.connection.attach(self)
        self.transport = MemoryTransport()
        self.is_running = self.is_resumed = False

    def end(self):
        self.starter.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.turn()
        self.loop.close()

    def resume(self):
        self.is_resumed = True

    def resume_now(self):
        self.is_resumed = True
        if not self.is_running:
            self.run()

    def run(self):
        self.is_running = True
        while self.is_resumed or self.connection.state == READY:
            self.is_resumed = False
            if self.connection.state != CLOSING:
                self.connection.run(self.transport)
        self.is_running = False

    def feed(self, data):
        """Feed, and have the loop do all that it can; returns what is sent."""
        self.connection.feed(data)
        self.run()
        return self.turn()

    def turn(self):
        for _ in range(10):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
            self.run()
        sent, self.transport.sent = self.transport.sent, b""
        return sent

    def shake_hands(self, fields=b""):
        return self.feed(HANDSHAKE + fields + b"\r\n")
