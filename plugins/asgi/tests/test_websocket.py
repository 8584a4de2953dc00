"""One websocket, without I/O: bytes are fed, and what is sent is collected."""

import asyncio
import sys

import pytest
from support.websocket_wire import HANDSHAKE, KEY, Wire, close, frame, text
from websockets.frames import Opcode

from hookserve.protocol.seam import CLOSING, PAUSED, READY, SUSPENDED


class Application:
    """Accepts, and sends back what it receives; `events` are all that it was told."""

    def __init__(self, accept=(), stops_at=None):
        self.accept = {"type": "websocket.accept", **dict(accept)}
        self.stops_at = stops_at
        self.events = []
        self.go_on = None

    async def __call__(self, scope, receive, send):
        self.scope = scope
        self.events.append(await receive())
        await send(self.accept)
        while True:
            self.events.append(event := await receive())
            if event["type"] == "websocket.disconnect":
                return
            if event.get("text") == self.stops_at:
                self.go_on = asyncio.get_running_loop().create_future()
                await self.go_on
            await send({**event, "type": "websocket.send"})


@pytest.fixture
def app():
    return Application(stops_at="stop")


@pytest.fixture
def make_wire():
    wires = []

    def make(app, **settings):
        wires.append(Wire(app, **settings))
        return wires[-1]

    yield make
    for each in wires:
        each.end()


@pytest.fixture
def wire(make_wire, app):
    return make_wire(app, websocket_ping_interval=0)


def test_the_handshake_and_the_scope(wire, app):
    app.accept.update(subprotocol="chat", headers=[(b"X-A", b"b")])

    head = wire.shake_hands(b"Sec-WebSocket-Protocol: chat, other\r\n")

    assert head.startswith(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
    assert b"\r\nSec-WebSocket-Protocol: chat\r\n" in head
    assert head.endswith(b"\r\nX-A: b\r\n\r\n")
    assert app.scope["type"] == "websocket"
    assert app.scope["scheme"] == "ws"
    assert app.scope["path"] == "/chat"
    assert app.scope["subprotocols"] == ["chat", "other"]
    assert "method" not in app.scope
    assert app.events == [{"type": "websocket.connect"}]
    assert wire.connection.state == SUSPENDED


def test_messages_come_back_and_the_record_is_made_at_the_end(wire, app):
    wire.shake_hands()

    assert wire.feed(text("hé") + frame(Opcode.BINARY, b"\0")) == b"\x81\x03h\xc3\xa9\x82\x01\0"
    assert not wire.records
    assert wire.feed(close(1001)) == b"\x88\x02\x03\xe9"

    assert app.events[-1] == {"type": "websocket.disconnect", "code": 1001, "reason": ""}
    assert wire.connection.state == CLOSING
    assert [(each.status_code, each.sent, each.reason) for each in wire.records] == [(101, 8, "")]
    assert wire.worker.ended == [(1, 8)]


def test_frames_that_come_with_the_handshake_are_taken(wire):
    assert wire.feed(HANDSHAKE + b"\r\n" + text("a")).endswith(b"\r\n\r\n\x81\x01a")


def test_replies_go_out_before_the_close_frame_of_a_client_that_breaks_the_protocol(wire):
    wire.shake_hands()

    sent = wire.feed(text("a") + text("b") + b"\xf1\x80\0\0\0\0")

    assert sent.startswith(b"\x81\x01a\x81\x01b\x88")
    assert sent[8:10] == (1002).to_bytes(2, "big")
    assert "1002" in wire.records[0].reason
    assert wire.connection.lingers


def test_an_application_that_does_not_receive_pauses_its_client(wire, app):
    wire.shake_hands()
    wire.feed(text("stop"))
    assert wire.connection.state == SUSPENDED

    wire.feed(text("x" * 40000) + text("y" * 40000))
    assert wire.connection.state == PAUSED
    app.go_on.set_result(None)
    wire.turn()

    assert len(app.events) == 4
    assert wire.connection.state == SUSPENDED


def test_many_small_messages_pause_the_client_too(wire):
    wire.shake_hands()

    wire.feed(text("stop") + text("") * 300)

    assert wire.connection.state == PAUSED


def test_send_waits_while_the_client_does_not_read(wire, app):
    wire.shake_hands()
    type(wire.transport).unsent = property(lambda self: 70000)
    try:
        wire.feed(text("a"))
        wire.feed(text("b"))
        assert app.events[1:] == [{"type": "websocket.receive", "text": "a"}]
        assert wire.connection.state == PAUSED
    finally:
        del type(wire.transport).unsent
    wire.connection.drained()
    wire.turn()

    assert app.events[2:] == [{"type": "websocket.receive", "text": "b"}]
    assert wire.connection.state == SUSPENDED


def test_at_drain_the_client_and_the_application_get_1012(wire, app):
    wire.shake_hands()

    assert wire.connection.leave() == READY
    wire.run()

    assert wire.turn() == b"\x88\x02" + (1012).to_bytes(2, "big")
    assert app.events[-1] == {"type": "websocket.disconnect", "code": 1012, "reason": ""}
    assert wire.connection.state == SUSPENDED
    wire.feed(close(1012))
    assert wire.connection.state == CLOSING


def test_a_websocket_that_is_accepted_while_the_worker_drains_is_closed(wire):
    wire.worker.alive = False

    assert wire.shake_hands().endswith(b"\x88\x02" + (1012).to_bytes(2, "big"))


@pytest.mark.parametrize("is_reset", [False, True])
def test_a_client_that_is_gone_is_1006(wire, app, is_reset):
    wire.shake_hands()

    if is_reset:
        wire.connection.disconnected()
    else:
        wire.connection.feed(b"")
        wire.run()
    wire.turn()

    assert app.events[-1] == {"type": "websocket.disconnect", "code": 1006, "reason": ""}
    assert "gone" in wire.records[0].reason or "closed" in wire.records[0].reason
    assert wire.worker.ended == [(1, 0)]


def test_a_silent_client_is_pinged_and_then_disconnected(make_wire, app):
    wire = make_wire(app, websocket_ping_interval=0.04, websocket_ping_timeout=0.04)
    wire.shake_hands()

    sent = b""
    while wire.connection.state != CLOSING or "code" not in app.events[-1]:
        sent += wire.turn()

    assert sent.startswith(b"\x89\x00\x88")
    assert app.events[-1]["code"] == 1006
    assert "ping" in wire.records[0].reason


def test_request_timeout_counts_until_the_websocket_is_accepted(make_wire, app):
    async def never(scope, receive, send):
        while True:
            await receive()

    accepted = make_wire(app, request_timeout=0.01)
    accepted.shake_hands()
    wire = make_wire(never, request_timeout=0.02)
    wire.shake_hands()

    while wire.connection.state != CLOSING:
        wire.turn()
    accepted.turn()

    assert [each.status_code for each in wire.records] == [503]
    assert accepted.connection.state == SUSPENDED


def test_a_client_that_responds_is_pinged_again(make_wire, app):
    wire = make_wire(app, websocket_ping_interval=0.04, websocket_ping_timeout=5)
    wire.shake_hands()

    for _ in range(2):
        while not (sent := wire.turn()):
            pass
        assert sent == b"\x89\x00"
        wire.feed(frame(Opcode.PONG))

    assert wire.connection.state == SUSPENDED


def application(*steps):
    """Sends those events, or raises those errors, after it was told of the client."""

    async def run(scope, receive, send):
        await receive()
        for each in steps:
            if isinstance(each, Exception):
                raise each
            await send(each)

    return run


ACCEPT = {"type": "websocket.accept"}


@pytest.mark.parametrize(
    ("steps", "sent", "status"),
    [
        ([{"type": "websocket.close"}], b"HTTP/1.1 403 Forbidden\r\n", 403),
        ([RuntimeError("x")], b"HTTP/1.1 500 Internal Server Error\r\n", 500),
        ([], b"HTTP/1.1 500 Internal Server Error\r\n", 500),
        ([{"type": "websocket.send", "text": "x"}], b"HTTP/1.1 500 ", 500),
        ([{**ACCEPT, "subprotocol": "x"}], b"HTTP/1.1 500 ", 500),
        ([{**ACCEPT, "headers": [(b"Sec-WebSocket-Accept", b"x")]}], b"HTTP/1.1 500 ", 500),
        (
            [
                {"type": "websocket.http.response.start", "status": 401, "headers": []},
                {"type": "websocket.http.response.body", "body": b"who?"},
            ],
            b"HTTP/1.1 401 Unauthorized\r\n",
            401,
        ),
    ],
    ids=str,
)
def test_what_an_application_does_that_does_not_accept(make_wire, steps, sent, status):
    wire = make_wire(application(*steps))

    assert wire.shake_hands().startswith(sent)
    assert wire.connection.state == CLOSING
    assert [each.status_code for each in wire.records] == [status]
    assert len(wire.worker.ended) == 1


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([], 1000),
        ([{"type": "websocket.close", "code": 4000, "reason": "r"}], 4000),
        ([RuntimeError("x")], 1011),
        ([{"type": "websocket.close", "code": 1006}], 1011),
        ([{"type": "websocket.send"}], 1011),
        ([{"type": "http.response.start"}], 1011),
    ],
    ids=str,
)
def test_how_a_websocket_is_closed_whose_application_ends(make_wire, steps, code):
    wire = make_wire(application(ACCEPT, *steps))

    frames = wire.shake_hands().partition(b"\r\n\r\n")[2]

    assert frames[:1] == b"\x88"
    assert frames[2:4] == code.to_bytes(2, "big")
    assert wire.connection.state == SUSPENDED  # the client is to close too
    wire.feed(close(code if code < 1012 else 1000))
    assert wire.connection.state == CLOSING
    assert [each.status_code for each in wire.records] == [101]


def test_a_closing_handshake_that_the_client_does_not_end_is_bounded(make_wire, monkeypatch):
    monkeypatch.setattr("hookserve_asgi.websocket._CLOSE_TIME", 0.01)
    wire = make_wire(application(ACCEPT), websocket_ping_timeout=0.04)
    wire.shake_hands()

    while wire.connection.state != CLOSING:
        wire.turn()

    assert wire.records[0].reason == "the client has not closed in time"


def test_an_application_that_takes_no_messages_does_not_keep_the_client_from_closing(
    wire, monkeypatch
):
    monkeypatch.setattr("hookserve_asgi.websocket._CLOSE_TIME", 0.01)
    wire.protocol.websockets._slack = 0.0
    wire.shake_hands()
    wire.feed(text("stop") + close())

    sent = b""
    while wire.connection.state != CLOSING:
        sent += wire.turn()

    assert sent == b"\x88\x02\x03\xe8"


def test_an_application_that_sends_after_the_end_gets_an_error(make_wire):
    errors = []

    async def app(scope, receive, send):
        await receive()
        await send(ACCEPT)
        await receive()
        try:
            await send({"type": "websocket.send", "text": "x"})
        except OSError as error:
            errors.append(error)
            raise

    wire = make_wire(app)
    wire.worker.log.error = errors.append
    wire.shake_hands()
    wire.feed(close())

    assert [str(each) for each in errors] == ["closed with 1000"]


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (HANDSHAKE.replace(b": 13", b": 8") + b"\r\n", b"426 Upgrade Required"),
        (HANDSHAKE.replace(KEY, b"x") + b"\r\n", b"400 Bad Request"),
        (HANDSHAKE + b"Content-Length: 1\r\n\r\n", b"400 Bad Request"),
        (HANDSHAKE + b"Sec-WebSocket-Extensions: =\r\n\r\n", b"400 Bad Request"),
    ],
)
def test_a_handshake_that_breaks_the_rfc_never_reaches_the_application(wire, request_head, status):
    sent = wire.feed(request_head)

    assert sent.startswith(b"HTTP/1.1 " + status)
    is_about_version = status.startswith(b"426")
    assert (b"\r\nSec-WebSocket-Version: 13\r\n" in sent) == is_about_version
    assert (b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" in sent) == is_about_version
    assert wire.connection.state == CLOSING
    assert wire.worker.begun == len(wire.records) == 1


def test_other_upgrades_are_requests_like_others(wire):
    wire.protocol.application = application(
        {"type": "http.response.start", "status": 200},
        {"type": "http.response.body", "body": b"x"},
    )

    assert wire.feed(HANDSHAKE.replace(b"websocket", b"h2c") + b"\r\n").startswith(b"HTTP/1.1 200")


def test_without_the_package_the_status_is_501_and_the_log_says_so_once(wire, monkeypatch):
    monkeypatch.delitem(sys.modules, "hookserve_asgi.websocket")
    monkeypatch.delitem(sys.modules, "hookserve_http.frames")
    monkeypatch.setitem(sys.modules, "websockets.exceptions", None)
    warnings = []
    wire.worker.log.warning = warnings.append

    assert wire.shake_hands().startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    wire.connection = wire.protocol.connect(("203.0.113.9", 50001))
    assert wire.shake_hands().startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert warnings == ["websockets are refused: pip install hookserve[websocket]"]
