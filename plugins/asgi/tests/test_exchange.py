"""One request of ASGI: what the application receives, and what becomes of what it sends."""

import asyncio

import pytest
from support.asgi import GET, HELLO, START, Transport, hello, part, post

from hookserve.protocol.seam import CLOSING, IDLE, PAUSED, SUSPENDED


async def hello_later(scope, receive, send):
    await asyncio.sleep(0)
    await hello(scope, receive, send)


# Responses.


class Endpoint:
    """Called, it is no coroutine but can be awaited."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def __await__(self):
        return hello(*self.arguments).__await__()


@pytest.mark.parametrize(
    "application",
    [hello, hello_later, lambda *arguments: asyncio.ensure_future(hello(*arguments)), Endpoint],
)
def test_a_response(connect, application):
    client = connect(application).feed(GET)

    assert client.sent == HELLO
    assert client.state == IDLE
    assert client.protocol.worker.ended == [(2, 2)]


@pytest.mark.parametrize("application", [hello, hello_later])
def test_pipelined_requests_have_responses_in_their_order(connect, application):
    client = connect(application).feed(GET * 3, 12)

    assert client.sent == HELLO * 3
    assert len(client.protocol.worker.ended) == 3


def test_a_request_that_comes_while_the_first_is_suspended_waits_for_it(connect, loop):
    gates = []

    async def application(scope, receive, send):
        gates.append(loop.create_future())
        await gates[-1]
        await hello(scope, receive, send)

    client = connect(application).feed(GET).feed(GET[:9]).feed(GET[9:] + GET)
    assert (len(gates), client.state) == (1, PAUSED)

    for number in range(3):
        gates[number].set_result(None)
        client.turn()

    assert client.sent == HELLO * 3
    assert client.state == IDLE


def test_parts_go_out_as_they_are_sent(connect):
    async def application(scope, receive, send):
        await send(START)
        for number in range(3):
            await send(part(b"%d" % number, more=True))
            seen.append(client.transport.sent[-6:])
            await asyncio.sleep(0)
        await send(part())

    seen = []
    client = connect(application)
    client.feed(GET, 8)

    assert seen == [b"1\r\n%d\r\n" % number for number in range(3)]
    assert client.sent.endswith(b"0\r\n\r\n")


def test_a_head_goes_out_alone_while_the_body_is_awaited(connect):
    async def application(scope, receive, send):
        await asyncio.sleep(0)
        await send(START)
        await asyncio.sleep(10)

    client = connect(application).feed(GET)

    assert client.sent == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_response_that_is_sent_in_one_step_has_a_length(connect):
    async def application(scope, receive, send):
        await asyncio.sleep(0)
        await send(START)
        await send(part(b"ok"))

    client = connect(application).feed(GET)

    assert client.sent == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_work_after_the_response_does_not_hold_the_connection_up(connect, loop):
    gate = loop.create_future()
    ends = []

    async def application(scope, receive, send):
        await hello(scope, receive, send)
        await gate
        ends.append((await receive())["type"])

    client = connect(application).feed(GET).feed(GET)
    assert client.sent == HELLO * 2
    assert client.protocol.worker.ended == [(2, 2)] * 2

    gate.set_result(None)
    client.turn()

    assert ends == ["http.disconnect"] * 2
    assert not client.protocol.worker.starter.tasks


# Slow readers.


@pytest.mark.parametrize("suspends", [False, True])
def test_sending_waits_for_a_client_that_does_not_read(connect, suspends):
    async def application(scope, receive, send):
        if suspends:
            await asyncio.sleep(0)
        await send(START)
        for number in range(10):
            await send(part(b"x" * 50_000, more=True))
            sent.append(number)
        await send(part())

    sent = []
    client = connect(application, Transport(room=1000)).feed(GET, 12)
    assert sent == [0]
    assert client.state == SUSPENDED

    client.take_all()

    assert sent == list(range(10))
    assert client.state == IDLE


def test_what_is_kept_while_the_connection_is_owned_counts(connect):
    async def application(scope, receive, send):
        await asyncio.sleep(0)
        await send(START)
        for number in range(10):
            await send(part(b"x" * 50_000, more=True))
            sent.append(number)

    sent = []
    client = connect(application)
    client.resume_now = client.resume  # as of a connection that waits for its turn
    client.feed(GET, 1)
    client.turn(1)

    assert len(sent) < 3


# Clients that are gone.


def test_receive_tells_of_a_client_that_is_gone(connect):
    async def application(scope, receive, send):
        while seen[-1:] != ["http.disconnect"]:
            seen.append((await receive())["type"])
        with pytest.raises(OSError, match="gone"):
            await send(START)
        seen.append("end")

    seen = []
    client = connect(application).feed(GET).leave()

    assert seen == ["http.request", "http.disconnect", "end"]
    assert len(client.protocol.worker.ended) == 1


def test_send_raises_once_the_client_is_gone(connect):
    async def application(scope, receive, send):
        await send(START)
        while True:
            try:
                await send(part(b"x", more=True))
            except OSError as error:
                raised.append(error)
                raise
            await asyncio.sleep(0)

    raised = []
    client = connect(application, Transport(limit=3)).feed(GET, 12)

    assert client.is_closed
    assert len(raised) == 1
    assert client.protocol.worker.ended == [(2, 4)]


def test_a_client_that_leaves_while_the_application_waits_for_room(connect):
    async def application(scope, receive, send):
        await send(START)
        try:
            await send(part(b"x" * 100_000, more=True))
        except OSError:
            seen.append("gone")
            raise

    seen = []
    client = connect(application, Transport(room=0)).feed(GET).leave()

    assert seen == ["gone"]
    assert len(client.protocol.worker.ended) == 1


def test_a_client_that_leaves_while_the_application_sleeps(connect):
    async def application(scope, receive, send):
        await asyncio.sleep(0.01)
        await hello(scope, receive, send)

    client = connect(application).feed(GET).leave()
    client.wait(lambda: client.protocol.worker.ended)

    assert client.transport.sent == b""
    assert not client.protocol.worker.starter.tasks


def test_a_client_that_half_closes_gets_its_response(connect, loop):
    gate = loop.create_future()

    async def application(scope, receive, send):
        await gate
        await hello(scope, receive, send)

    client = connect(application).feed(GET).feed(b"")
    gate.set_result(None)
    client.turn()

    assert client.sent.endswith(b"Connection: close\r\n\r\nok")
    assert client.state == CLOSING


def test_a_body_that_is_complete_is_received_after_the_client_has_half_closed(connect, loop):
    gate = loop.create_future()

    async def application(scope, receive, send):
        await gate
        seen.append(await receive())
        await hello(scope, receive, send)

    seen = []
    connect(application).feed(post(b"hello")).feed(b"")
    gate.set_result(None)
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))

    assert seen == [{"type": "http.request", "body": b"hello", "more_body": False}]


def test_concurrent_receivers_all_learn_of_the_end(connect):
    async def application(scope, receive, send):
        await receive()
        found = await asyncio.gather(receive(), receive())
        seen.extend(each["type"] for each in found)

    seen = []
    connect(application).feed(GET).leave()

    assert seen == ["http.disconnect"] * 2


def test_a_receiver_that_is_cancelled_is_cancelled(connect):
    async def application(scope, receive, send):
        await receive()
        task = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await hello(scope, receive, send)

    assert connect(application).feed(GET, 8).sent == HELLO


class Lasting(Transport):
    """Notes what was sent as the last of a response."""

    def __init__(self):
        super().__init__()
        self.last = []

    def send_last(self, data):
        self.last.append(data[-2:])
        super().send_last(data)


ONE_0 = GET.replace(b"HTTP/1.1", b"HTTP/1.0")
CLOSE = GET.replace(b"Host: h", b"Host: h\r\nConnection: close")


@pytest.mark.parametrize(
    ("request_bytes", "is_observed", "last"),
    [
        (GET, False, [b"ok"]),
        (GET + GET, False, [b"ok"]),  # of the second alone
        (post(b"body"), False, []),
        (CLOSE, False, []),
        (ONE_0, False, []),
        (GET, True, []),
    ],
    ids=["it is", "another follows", "a body", "it closes", "1.0", "a hook is called after it"],
)
def test_a_response_is_the_last_thing_when_the_next_request_is_waited_for(
    connect, request_bytes, is_observed, last
):
    client = connect(hello, Lasting())
    if is_observed:
        client.protocol.notify_observers = lambda record, began: None

    client.feed(request_bytes)

    assert client.transport.last == last
    assert client.sent.startswith(b"HTTP/1.1 200 OK")


def test_a_response_that_is_cut_off_ends_its_connection(connect):
    async def application(scope, receive, send):
        headers = [(b"content-length", b"3")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send(part(b"ok"))

    client = connect(application, Lasting()).feed(GET)

    assert client.transport.last == []
    assert client.state == CLOSING
