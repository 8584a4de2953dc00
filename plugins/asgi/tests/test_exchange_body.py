"""The body of a request, as it arrives."""

import asyncio

import pytest
from hookserve_http.framing import LengthDecoder
from hookserve_http.request_body import RequestBody
from support.asgi import GET, LENGTH_2, Transport, part, post

from hookserve.protocol.seam import CLOSING, IDLE, PAUSED, SUSPENDED

CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECT = b"Expect: 100-continue\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Reader:
    """Receives the whole body, or as many events as it may, and responds."""

    def __init__(self, count=None, gate=None):
        self.events = []
        self.count = count
        self.gate = gate

    async def __call__(self, scope, receive, send):
        if self.gate is not None:
            await self.gate
        while self.count is None or len(self.events) < self.count:
            event = await receive()
            self.events.append(event)
            if not event.get("more_body"):
                break
        if self.events and self.events[-1]["type"] == "http.disconnect":
            raise ValueError("no body")
        await send(LENGTH_2)
        await send(part(b"ok"))

    @property
    def body(self):
        return b"".join(each.get("body", b"") for each in self.events)

    @property
    def ended(self):
        return self.events[-1]["type"] == "http.request" and not self.events[-1]["more_body"]


def test_a_request_without_a_body_is_one_event(connect):
    reader = Reader()
    connect(reader).feed(GET)

    assert reader.events == [{"type": "http.request", "body": b"", "more_body": False}]


def test_a_body_that_is_there_is_one_event(connect):
    reader = Reader()
    client = connect(reader).feed(post(b"hello"))

    assert reader.events == [{"type": "http.request", "body": b"hello", "more_body": False}]
    assert client.state == IDLE


def test_parts_are_received_as_they_arrive(connect):
    reader = Reader()
    client = connect(reader).feed(post(b"he", 5))
    assert reader.events == [{"type": "http.request", "body": b"he", "more_body": True}]

    client.feed(b"ll").feed(b"o" + post(b"next"))

    assert reader.body == b"hellonext"
    assert client.sent.count(b"ok") == 2
    assert client.state == IDLE


def test_a_chunked_body(connect):
    reader = Reader()
    client = connect(reader).feed(CHUNKED + b"2\r\nhe\r\n").feed(b"3\r\nllo\r").feed(b"\n0\r\n\r\n")

    assert reader.body == b"hello"
    assert reader.ended
    assert client.state == IDLE


def test_a_client_that_sends_faster_than_the_application_receives_is_paused(connect, loop):
    reader = Reader(gate=loop.create_future())
    client = connect(reader).feed(post(b"x" * 40_000, 100_000))
    assert client.state == SUSPENDED
    client.feed(b"x" * 40_000)
    assert client.state == PAUSED

    reader.gate.set_result(None)
    client.turn()
    assert client.state == SUSPENDED
    client.feed(b"x" * 20_000)

    assert len(reader.body) == 100_000


def test_continue_is_sent_when_the_application_asks_for_the_body(connect, loop):
    reader = Reader(gate=loop.create_future())
    client = connect(reader).feed(post(length=5, extra=EXPECT))
    assert client.sent == b""

    reader.gate.set_result(None)
    client.turn()
    assert client.sent == CONTINUE
    client.feed(b"hello")

    assert reader.body == b"hello"
    assert client.state == IDLE


def test_continue_is_sent_at_once_where_the_application_asks_at_once(connect):
    client = connect(Reader()).feed(post(length=5, extra=EXPECT))

    assert client.sent == CONTINUE


def test_continue_is_not_sent_where_the_body_is_not_wanted(connect):
    client = connect(Reader(count=0)).feed(post(length=5, extra=EXPECT))

    assert client.sent.endswith(b"Connection: close\r\n\r\nok")
    assert client.state == CLOSING


def test_a_body_that_is_not_read_is_drained(connect):
    client = connect(Reader(count=0)).feed(post(b"he", 5)).feed(b"llo" + GET)

    assert client.sent.count(b"ok") == 2


def test_a_body_that_is_not_read_and_large_ends_the_connection(connect):
    client = connect(Reader(count=0)).feed(post(b"he", 10_000_000))

    assert client.sent.endswith(b"Connection: close\r\n\r\nok")
    assert client.state == CLOSING


@pytest.mark.parametrize("receives", [True, False])
def test_an_invalid_chunk_is_refused(connect, loop, receives):
    reader = Reader(gate=None if receives else loop.create_future())
    client = connect(reader).feed(CHUNKED + b"2\r\nhe\r\n").feed(b"x\r\n").feed(b"more")
    if not receives:
        reader.gate.set_result(None)
        client.turn()

    assert reader.events[-1] == {"type": "http.disconnect"}
    assert client.sent.startswith(b"HTTP/1.1 400")
    assert client.state == CLOSING
    assert client.protocol.worker.ended[0][0] == 4


def test_a_body_over_the_limit_is_refused(connect):
    client = connect(Reader(), limit_request_body=10).feed(CHUNKED + b"8\r\n12345678\r\n")
    client.feed(b"8\r\n12345678\r\n")

    assert client.sent.startswith(b"HTTP/1.1 413")


def test_a_slow_body_is_refused(connect):
    reader = Reader()
    client = connect(reader, body_timeout=0.02).feed(post(b"he", 5))
    client.wait(lambda: client.is_closed)

    assert client.sent.startswith(b"HTTP/1.1 408")
    assert client.protocol.worker.ended[0][0] == 4


def test_a_body_below_the_least_rate_is_refused(connect):
    async def drip():
        for _ in range(40):
            await asyncio.sleep(0.01)
            if client.is_closed:
                return
            client._feed(b"x")

    client = connect(Reader(), body_timeout=0.1, body_rate=1000).feed(post(b"he", 5000))
    client.loop.run_until_complete(drip())
    client.wait(lambda: client.is_closed)

    assert client.sent.startswith(b"HTTP/1.1 408")


def test_the_applications_own_time_is_not_the_clients():
    body = RequestBody(LengthDecoder(1000), expects_continue=False)
    body.feed(b"x" * 100)

    assert body.time_left(1.0, 100) == 1.0
    body.waited = 1.5
    assert body.time_left(1.0, 100) == 0.5
    assert body.time_left(1.0, 0) == 1.0
    assert body.time_left(0.0, 100) == 0.0


def test_a_body_that_is_cut_off_is_not_an_error_of_the_application(connect):
    reader = Reader()
    client = connect(reader).feed(post(b"he", 5)).feed(b"")

    assert [each["type"] for each in reader.events] == ["http.request", "http.disconnect"]
    assert client.transport.sent == b""
    assert client.is_closed


def test_an_application_may_respond_before_the_body_is_there(connect):
    async def application(scope, receive, send):
        seen.append(await receive())
        await send(LENGTH_2)
        await send(part(b"ok"))
        seen.append(await receive())

    seen = []
    client = connect(application, Transport()).feed(post(b"he", 5)).feed(b"llo" + GET, 8)

    assert [each["type"] for each in seen[:2]] == ["http.request", "http.disconnect"]
    assert client.sent.count(b"ok") == 2


def test_reading_and_writing_alternate(connect):
    async def application(scope, receive, send):
        await send({**LENGTH_2, "headers": []})
        while (event := await receive())["more_body"]:
            await send(part(b"<" + event["body"] + b">", more=True))
        await send(part(b"<" + event["body"] + b">"))

    client = connect(application).feed(post(b"a", 3))
    assert client.sent.endswith(b"<a>\r\n")
    client.feed(b"b")
    assert client.sent.endswith(b"<b>\r\n")
    client.feed(b"c")

    assert client.sent.endswith(b"<c>\r\n0\r\n\r\n")
