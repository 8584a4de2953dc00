"""A worker, a transport and an application for feeding bytes to the HTTP plugin without sockets."""

from __future__ import annotations

import io
import logging
import tempfile
import time
from types import SimpleNamespace

from hookserve_http import SETTINGS
from hookserve_http.connection import HttpProtocol

from hookserve.net.address import Endpoint
from hookserve.protocol import CLOSING, READY, Transport


class FakeConfig(SimpleNamespace):
    def get(self, name, default=None):
        return getattr(self, name, default)


class FakeFlight:
    began = 0.0


class FakeWorker:
    """What `hookserve.worker.Worker` lends a protocol."""

    multithread = multiprocess = False
    alive = True

    def __init__(self, app, **settings):
        values = {setting.name: setting.default for setting in SETTINGS}
        self.config = FakeConfig(**{**values, "keepalive": 1.0, "sendfile": True, **settings})
        self.app = app
        self.log = logging.getLogger("hookserve.test")
        self.log.propagate = False
        self.pre_request = self.post_request = self.log_access = ()
        self.errors = io.StringIO()
        self.clock = time.monotonic
        self.wall_clock = time.time
        self.ended = []

    def begin(self, label):
        return FakeFlight()

    def end(self, flight, status, sent):
        self.ended.append((status, sent))

    def spool(self):
        return tempfile.TemporaryFile()


class FakeTransport(Transport):
    """Collects what is sent; receives from a list of pieces."""

    def __init__(self, pieces=()):
        self.pieces = list(pieces)
        self.sent = b""

    def send(self, *buffers):
        self.sent += b"".join(buffers)

    def receive(self, size):
        if not self.pieces:
            return b""
        piece, rest = self.pieces[0][:size], self.pieces[0][size:]
        self.pieces[:1] = [rest] if rest else []
        return piece


class Recorder:
    """An application that keeps what it was given and answers 200."""

    def __init__(self):
        self.environs = []
        self.bodies = []

    def __call__(self, environ, start_response):
        self.environs.append(dict(environ))
        self.bodies.append(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


def make_protocol(app, buffered=False, **settings):
    worker = FakeWorker(app, **settings)
    return HttpProtocol(worker, Endpoint("127.0.0.1", "8000"), buffered)


def converse(protocol, pieces):
    """Feed the pieces as a worker would; the transport, and the connection at the end."""
    connection = protocol.connect(("203.0.113.9", 50000))
    transport = FakeTransport()
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
