"""The corpus over real sockets, under every worker model: whole, byte by byte, and after another.

One client talks on many connections at once.  A connection on which nothing happens for two
seconds, a reset, an answer too many and one too few are failures as much as a wrong status.
"""

import hashlib
import json
import selectors
import socket
import time
from collections import deque

import pytest
from support.corpus_files import GOOD, INVALID, SETTINGS, VALID, read
from support.models import MODELS
from support.paths import SUPPORT

from hookserve.testing import serve

HERE = SUPPORT
AFTER = b"GET /after HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n"
LONGEST_SILENCE = 2.0
MOST_CONNECTIONS = 200
AT_A_TIME = {"sync": 1}
"""The sync worker keeps no connection open while another waits to be accepted."""
LONG = 600
"""Of requests with more bytes, as many are sent one by one, half of them at either end."""


@pytest.fixture(scope="module", params=MODELS)
def server(request):
    settings = {**SETTINGS, "forwarded_allow_ips": ",".join(SETTINGS["forwarded_allow_ips"])}
    with serve(
        "applications:understood", worker=request.param, settings=settings, chdir=HERE
    ) as running:
        running.most_connections = AT_A_TIME.get(request.param, MOST_CONNECTIONS)
        yield running


def responses(data, asks_head=False):
    """Status, fields and body of each whole response; and what is left over.

    `asks_head`: whether a refusal may be the answer to HEAD, which has no body.
    """
    found = []
    while (end := data.find(b"\r\n\r\n")) >= 0:
        first, *lines = data[:end].decode("latin-1").split("\r\n")
        fields = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        code = int(first.split(" ")[1])
        size = int(fields.get("content-length", 0))
        is_last = len(data) == end + 4
        if fields.get("x-method") == "HEAD" or (asks_head and code >= 400 and is_last):
            size = 0
        if len(data) < end + 4 + size:
            break
        found.append((code, fields, data[end + 4 : end + 4 + size]))
        data = data[end + 4 + size :]
    return [each for each in found if each[0] >= 200], data


def interim(talks):
    """The clients that got 100 Continue."""
    return [talk.name for talk in talks if b"HTTP/1.1 100 " in talk.received]


class Talk:
    """One connection: what is still to be sent, what was received, and what should have been."""

    def __init__(self, name, pieces, outcome, persists):
        self.name = name
        self.pieces = deque(pieces)
        self.asks_head = b"HEAD " in b"".join(pieces)
        self.outcome = outcome
        self.persists = persists
        """Whether the connection is to stay open; then one more request proves it."""
        self.received = b""
        self.problem = ""
        self.may_be_reset = False

    def begin(self, address):
        self.socket = socket.create_connection(address, timeout=LONGEST_SILENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.touched = time.monotonic()

    def send(self):
        """Send the next piece, or as much of it as there is room for."""
        piece = self.pieces[0]
        try:
            sent = self.socket.send(piece)
        except BlockingIOError:
            return
        except OSError:
            # A refused client's rest need not be read; what was answered is read all the same.
            self.pieces.clear()
            return
        self.touched = time.monotonic()
        if sent == len(piece):
            self.pieces.popleft()
        else:
            self.pieces[0] = piece[sent:]
        self.prove_open()

    def receive(self):
        """Receive; whether that was the end."""
        self.touched = time.monotonic()
        try:
            data = self.socket.recv(262144)
        except OSError as error:
            # A client may be met with a reset when it goes on after asking for the end
            # (RFC 9112, 9.6).
            if not (self.may_be_reset and isinstance(error, ConnectionResetError)):
                self.problem = repr(error)
            return True
        self.received += data
        self.prove_open()
        return not data

    def prove_open(self):
        """Ask for one more when all is said and answered, and the connection is to stay open."""
        answers, _ = responses(self.received, self.asks_head)
        if self.persists and not self.pieces and len(answers) == len(self.outcome):
            self.pieces.append(AFTER)
            self.outcome = [*self.outcome, 200]
            self.persists = False

    def failure(self):
        """What was not as it should be; empty when all was."""
        answers, rest = responses(self.received, self.asks_head)
        codes = [code for code, _, _ in answers]
        if self.problem or rest or codes != self.outcome:
            return f"{self.name}: {codes} for {self.outcome}, {self.problem} {rest[:100]!r}"
        closes = answers[-1][1].get("connection") == "close"
        return "" if closes else f"{self.name}: closed without saying so"


def run(server, talks):
    """All of the conversations, many at a time; those that failed, and how."""
    waiting, active = deque(talks), set()
    with selectors.DefaultSelector() as selector:
        while waiting or active:
            while waiting and len(active) < server.most_connections:
                talk = waiting.popleft()
                talk.begin(server.address)
                selector.register(talk.socket, selectors.EVENT_READ, talk)
                active.add(talk)
            speaking = [talk for talk in active if talk.pieces]
            for talk in speaking:
                talk.send()
            ended = {
                key.data for key, _ in selector.select(0 if speaking else 0.1) if key.data.receive()
            }
            overdue = time.monotonic() - LONGEST_SILENCE
            for talk in active - ended:
                if talk.touched < overdue:
                    talk.problem = f"silence for {LONGEST_SILENCE} s"
                    ended.add(talk)
            for talk in ended:
                selector.unregister(talk.socket)
                talk.socket.close()
            active -= ended
    return [failure for talk in talks if (failure := talk.failure())]


def whole(data):
    return [data]


def in_bytes(data):
    """Each byte of its own; of a long request the middle in larger pieces."""
    half = min(len(data), LONG) // 2
    middle = range(half, len(data) - half, 512)
    return [
        *(data[at : at + 1] for at in range(half)),
        *(data[at : min(at + 512, len(data) - half)] for at in middle),
        *(data[at : at + 1] for at in range(len(data) - half, len(data))),
    ]


def after_another(data):
    return [GOOD + data]


WAYS = pytest.mark.parametrize("way", [whole, in_bytes, after_another])


@WAYS
def test_every_valid_request_is_answered(server, way):
    talks = []
    for name, expected in VALID.items():
        data = read("valid", name)
        persists = expected.get("persists", True)
        # What follows the last request of a connection is not answered.
        pieces = way(data if persists or way is in_bytes else data + AFTER)
        count = expected.get("requests", 1) + (way is after_another)
        talk = Talk(name, pieces, [200] * count, persists)
        talk.may_be_reset = not persists and way is in_bytes
        talks.append(talk)

    assert run(server, talks) == []

    assert [
        name for name in interim(talks) if b"100-continue" not in read("valid", name).lower()
    ] == []
    differing = []
    for talk in talks:
        answers = responses(talk.received)[0][way is after_another :]
        bodies = [json.loads(body) if body else None for _, _, body in answers]
        differing += [f"{talk.name}: {each}" for each in differences(VALID[talk.name], bodies)]
    assert differing == []


@WAYS
def test_every_invalid_request_is_refused_once(server, way):
    talks = []
    for name, expected in INVALID.items():
        answered = expected.get("answered", 0) + (way is after_another)
        pieces = way(read("invalid", name))
        talks.append(Talk(name, pieces, [200] * answered + [expected["status"]], False))

    assert run(server, talks) == []
    assert interim(talks) == []


def test_no_worker_has_died_of_it(server):
    server.workers()

    assert [event for event in server.events if event["event"] == "exit"] == []
    assert "Traceback" not in server.log


def differences(expected, bodies):
    """What the application received and should not have; the response to a HEAD shows nothing.

    After the requests of the file, `bodies` has the one that proved the connection open.
    """
    if expected.get("persists", True):
        path = bodies[-1]["environ"]["PATH_INFO"]
        if path != "/after":
            yield f"the next request was for {path}"
        bodies = bodies[:-1]
    for key, values in (("paths", expected.get("paths")), ("bodies", expected.get("bodies"))):
        for body, value in zip(bodies, values or (), strict=False):
            if body and key == "paths" and body["environ"]["PATH_INFO"] != value:
                yield f"{value} was {body['environ']['PATH_INFO']}"
            if body and key == "bodies" and body["digest"] != digest_of(value):
                yield f"the body {value!r} was another of {body['size']} bytes"
    first = bodies[0]
    if first is None:
        return
    for key, value in expected.get("environ", {}).items():
        if first["environ"].get(key) != value:
            yield f"{key} was {first['environ'].get(key)!r}"
    for key in expected.get("absent", ()):
        if key in first["environ"]:
            yield f"{key} was there"
    if "body" in expected and first["digest"] != digest_of(expected["body"]):
        yield f"the body was another of {first['size']} bytes"
    if "size" in expected and first["size"] != expected["size"]:
        yield f"the body had {first['size']} bytes"


def digest_of(text):
    return hashlib.sha256(text.encode("latin-1")).hexdigest()
