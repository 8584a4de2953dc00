"""A connection of the HTTP plugin, fed as a worker feeds it, and watched."""

import re
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from hookserve_http.head import HeadParser
from hookserve_http.protocol import HttpProtocol
from hookserve_http.rules import HeadRules

from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, READING_BODY, READING_HEAD, READY
from hookserve.testing.fakes import MemoryTransport, StandInWorker, configure
from tests.fuzz.pieces import LARGEST_PIECE

PEER = ("203.0.113.9", 50000)
SPOOL_SIZE = 1000
BODY_LIMIT = 200_000
MOST_HELD = HeadParser(HeadRules(), {}).size_limit + LARGEST_PIECE
"""Bytes that a connection may hold: a head that is not refused yet, and one piece more."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
GOOD = b"GET /next HTTP/1.1\r\nHost: example.com\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the application saw, what the client was sent, and where it ended."""

    environs: list[dict]
    bodies: list[bytes]
    sent: bytes
    """Without ``100 Continue``, which is there for who waits with the body."""
    state: int

    @property
    def statuses(self):
        """The statuses that were sent."""
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.sent)]


class Application:
    """Answers 200 to everything, and reads the body in one of several ways."""

    def __init__(self, read):
        self.read = read
        self.environs = []
        self.bodies = []

    def __call__(self, environ, start_response):
        self.environs.append({key: each for key, each in environ.items() if type(each) is str})
        self.bodies.append(self.read(environ))
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@cache
def _config():
    return configure({"spool_size": SPOOL_SIZE, "limit_request_body": BODY_LIMIT})


def make_protocol(app, buffered, awaited_body=0):
    """HTTP for one application; the time stands still, so that each Date is the same."""
    worker = StandInWorker(app, _config())
    worker.wall_clock = lambda: 0.0
    worker.awaited_body = awaited_body
    return HttpProtocol(worker, Endpoint("127.0.0.1", "8000"), buffered)


def converse(protocol, pieces, app, expires=False):
    """Feed the pieces, then the end of input or, when it `expires`, its deadline."""
    connection = protocol.connect(PEER)
    transport = MemoryTransport()
    waiting = list(pieces)
    while waiting and connection.state != CLOSING:
        state = connection.feed(waiting.pop(0))
        transport.sent += connection.interim()
        weigh(connection)
        while state == READY:
            transport.pieces = waiting
            state = connection.run(transport)
            waiting = transport.pieces
            weigh(connection)
    state = connection.state
    _end(connection, transport, expires)
    outcome = Outcome(app.environs, app.bodies, transport.sent.replace(CONTINUE, b""), state)
    assert set(outcome.statuses[:-1]) <= {200}, "something was answered after a refusal"
    worker = protocol.worker
    assert worker.begun == len(worker.ended), "a request has begun and not ended"
    return outcome


def weigh(connection):
    """What the connection holds is within its limits."""
    head = connection._head
    held = len(connection._buffer) + (len(head.data) if head is not None else 0)
    assert held <= MOST_HELD, f"the connection holds {held} bytes"
    if connection.state == READING_HEAD:
        limit = connection._parser.size_limit
        assert held <= limit, f"{held} bytes of a head are held"
    elif connection.state == READING_BODY:
        body = connection._body
        assert not held, "bytes are held besides the body"
        if type(body._file) is BytesIO:
            held = body._file.getbuffer().nbytes
            assert held == body.size <= SPOOL_SIZE, f"{held} bytes of a body are held"


def _end(connection, transport, expires):
    """After the end nothing is answered but, to who was too slow, the refusal."""
    if connection.state != CLOSING:
        was_reading = connection.state in (READING_HEAD, READING_BODY)
        was_reading &= not connection._is_draining
        state = connection.expire() if expires else connection.feed(b"")
        assert state == (READY if expires and was_reading else CLOSING), "a wrong end"
        if state == READY:
            before = len(transport.sent)
            assert connection.run(transport) == CLOSING, "a refusal leaves the connection open"
            assert transport.sent[before:].startswith(b"HTTP/1.1 408 "), "no 408 for the slow"
    sent = transport.sent
    assert connection.feed(GOOD) == CLOSING, "a closed connection takes a request"
    assert transport.sent == sent, "something was answered after the end"
