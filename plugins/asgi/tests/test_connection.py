"""One client's connection, from state to state."""

import asyncio

import pytest
from hookserve_http import suspendable
from support.asgi import GET, HELLO, LENGTH_2, Transport, hello, part, post

from hookserve.protocol.seam import CLOSING, IDLE, PAUSED, READING_HEAD, SUSPENDED

CLOSE = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


class Gated:
    """An application that responds when it is let."""

    def __init__(self, loop):
        self.loop = loop
        self.gates = []

    async def __call__(self, scope, receive, send):
        self.gates.append(self.loop.create_future())
        await self.gates[-1]
        await hello(scope, receive, send)

    def open(self, client):
        self.gates[-1].set_result(None)
        client.turn()


@pytest.fixture
def gated(loop):
    return Gated(loop)


def test_a_head_is_that_of_http(connect):
    client = connect(hello).feed(GET[:10])
    assert client.state == READING_HEAD

    client.feed(GET[10:])

    assert client.sent == HELLO


def test_an_invalid_head_is_refused_before_the_application_is_called(connect):
    client = connect(None).feed(b"GET /\r\n\r\n")

    assert client.sent.startswith(b"HTTP/1.1 400")
    assert client.state == CLOSING


def test_a_head_that_is_slow_is_refused(connect):
    client = connect(None).feed(GET[:10])
    client.connection.expire()
    client.resume()
    client.turn()

    assert client.sent.startswith(b"HTTP/1.1 408")


def test_a_suspended_exchange_is_waited_for(connect, gated):
    client = connect(gated).feed(GET)
    assert client.state == SUSPENDED

    gated.open(client)

    assert (client.state, client.sent) == (IDLE, HELLO)


def test_the_beginning_of_the_next_request_pauses(connect, gated):
    client = connect(gated).feed(GET).feed(b"G")
    assert client.state == PAUSED

    gated.open(client)
    assert client.state == READING_HEAD
    client.feed(GET[1:])
    assert client.state == SUSPENDED


def test_a_request_that_follows_a_body_is_the_next(connect, gated):
    client = connect(gated).feed(post(b"he", 5)).feed(b"llo" + GET)

    gated.open(client)
    assert len(gated.gates) == 2
    gated.open(client)

    assert client.sent == HELLO * 2


def test_a_client_that_wants_to_close_is_closed(connect, gated):
    client = connect(gated).feed(CLOSE + GET)

    gated.open(client)

    assert client.sent.endswith(b"Connection: close\r\n\r\nok")
    assert client.state == CLOSING
    assert len(gated.gates) == 1


def test_the_end_of_input_is_taken_more_than_once(connect, gated):
    client = connect(gated).feed(GET).feed(b"").feed(b"")

    gated.open(client)

    assert client.sent.endswith(b"ok")


def test_running_without_anything_to_send_changes_nothing(connect, gated):
    client = connect(gated).feed(GET)
    client.resume()
    client.turn()

    assert client.state == SUSPENDED
    gated.open(client)
    assert client.sent == HELLO


def test_a_connection_between_exchanges_keeps_nothing_of_them(connect, gated):
    client = connect(gated).feed(GET)
    gated.open(client)

    assert client.connection._current is None
    assert client.connection._exchange is None
    client.connection.drained()
    client.connection.leave()
    client.connection.disconnected()


@pytest.mark.parametrize("kind", [b"text/event-stream", b"text/plain"])
@pytest.mark.parametrize("is_late", [False, True])
def test_a_stream_of_events_is_told_that_the_worker_stops(
    connect, loop, monkeypatch, kind, is_late
):
    monkeypatch.setattr(suspendable, "_LEAVE_TIME", 0.01)

    async def application(scope, receive, send):
        await receive()
        await send({**LENGTH_2, "headers": [(b"content-type", kind)]})
        await send(part(b"data: 1\n\n", more=True))
        seen.append((await receive())["type"])

    seen = []
    client = connect(application, Transport())
    client.protocol.worker.alive = not is_late
    client.feed(GET)
    if not is_late:
        loop.call_soon(client.connection.leave)
        client.turn()
    assert not seen
    loop.run_until_complete(asyncio.sleep(0.05))

    ends = kind == b"text/event-stream"
    assert seen == (["http.disconnect"] if ends else [])
    assert client.sent.endswith(b"0\r\n\r\n") is ends
    assert client.state == (IDLE if ends else SUSPENDED)


def test_a_head_that_is_repeated_is_that_of_the_client_that_repeats_it(connect):
    environs, scopes = [], []

    async def application(scope, receive, send):
        scopes.append(scope)
        await hello(scope, receive, send)

    clients = [connect(application), connect(application)]
    for client in clients:
        client.protocol.notify_observers = lambda record, began: environs.append(record.environ)
    clients[1].connection = clients[0].protocol.connect(("203.0.113.10", 2))
    clients[1].connection.attach(clients[1])
    browser = GET.replace(b"\r\n\r\n", b"\r\nUser-Agent: a browser\r\n\r\n")

    for _ in range(3):
        for client in clients:
            client.feed(browser)

    addresses = [("203.0.113.9", "50000"), ("203.0.113.10", "2")]
    assert [(each["REMOTE_ADDR"], each["REMOTE_PORT"]) for each in environs] == addresses * 3
    assert [each["client"] for each in scopes] == [("203.0.113.9", 50000), ("203.0.113.10", 2)] * 3
    assert {each["HTTP_USER_AGENT"] for each in environs} == {"a browser"}
    assert len({id(each) for each in environs}) == 6
