"""The events of a response, in their order, and what they become."""

import asyncio
import os

import pytest
from hookserve_http.errors import ApplicationError
from support.asgi import GET, LENGTH_2, START, TextTransport, part

from hookserve.protocol.seam import CLOSING, IDLE

TRAILERS = {**START, "trailers": True}
HINT = {"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]}
HEAD = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"


def end(*headers, more=False):
    return {"type": "http.response.trailers", "headers": list(headers), "more_trailers": more}


@pytest.fixture(params=[False, True], ids=["at once", "suspended"])
def respond(request, connect):
    """What a client receives of an application that sends these events."""

    def respond(*messages, data=GET, transport=None):
        async def application(scope, receive, send):
            if request.param:
                await asyncio.sleep(0)
            for each in messages:
                await send(each)

        return connect(application, transport).feed(data, 8)

    return respond


@pytest.fixture
def raised(connect):
    """What `send` raises for the last of these events."""

    def raised(*messages):
        async def application(scope, receive, send):
            for each in messages[:-1]:
                await send(each)
            try:
                await send(messages[-1])
            except Exception as error:
                found.append(error)

        found = []
        connect(application).feed(GET)
        return found[0] if found else None

    return raised


def body_of(client):
    return client.sent.partition(b"\r\n\r\n")[2]


# The order.


@pytest.mark.parametrize(
    "messages",
    [
        [part(b"before the start")],
        [START, START],
        [START, part(b"x", more=True), START],
        [START, part(b"x"), part(b"after the end")],
        [START, part(b"x"), START],
        [START, part(b"x"), HINT],
        [START, part(b"x"), {"type": "http.response.pathsend", "path": __file__}],
        [START, part(b"x"), {"type": "http.response.zerocopysend", "file": 0}],
        [START, end()],
        [TRAILERS, end()],
        [{"type": "http.response.nothing"}],
        [{"type": "websocket.accept"}],
    ],
    ids=lambda messages: "-".join(each["type"].rpartition(".")[2] for each in messages),
)
def test_an_event_that_may_not_come(raised, messages):
    assert isinstance(raised(*messages), ApplicationError)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "http.response.start"},
        {"type": "http.response.start", "status": "200"},
        {"type": "http.response.start", "status": 99},
        {"type": "http.response.start", "status": 200, "headers": [("text", "text")]},
        {"type": "http.response.start", "status": 200, "headers": [(b"a b", b"")]},
        {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b\r\nc: d")]},
        {"type": "http.response.start", "status": 200, "headers": [(b"a",)]},
    ],
    ids=str,
)
def test_an_event_that_is_invalid(raised, message):
    assert raised(message) is not None


@pytest.mark.parametrize("body", ["text", 3, None, [b"x"]])
def test_a_body_that_is_not_bytes(raised, body):
    assert raised(START, part(body)) is not None


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_body_that_is_like_bytes(respond, kind):
    assert body_of(respond(START, part(kind(b"like")))) == b"like"


# Lengths.


def test_a_body_that_is_longer_than_its_length_is_cut_off(respond):
    client = respond(LENGTH_2, part(b"o", more=True), part(b"kay"))

    assert body_of(client) == b"ok"


def test_a_body_that_is_shorter_than_its_length_ends_the_connection(respond):
    client = respond(LENGTH_2, part(b"o"))

    assert body_of(client) == b"o"
    assert client.state == CLOSING


def test_a_response_to_head_has_no_body(respond):
    client = respond(LENGTH_2, part(b"o", more=True), part(b"k"), data=HEAD)

    assert client.sent == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
    assert client.state == IDLE


def test_a_body_of_unknown_length_ends_with_the_connection_in_http_1_0(respond):
    client = respond(START, part(b"o", more=True), part(b"k"), data=OLD)

    assert client.sent == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok"
    assert client.state == CLOSING


def test_headers_keep_their_order_and_their_repeats(respond):
    headers = [(b"set-cookie", b"a=1"), (b"x", b"y"), (b"set-cookie", b"b=2")]

    client = respond({**START, "headers": iter(headers)}, part(b""))

    assert b"set-cookie: a=1\r\nx: y\r\nset-cookie: b=2\r\n" in client.sent


# Extensions.


def test_trailers_follow_a_chunked_body(respond):
    client = respond(TRAILERS, part(b"ok"), end((b"x-sum", b"1"), more=True), end((b"x-end", b"2")))

    assert body_of(client) == b"2\r\nok\r\n0\r\nx-sum: 1\r\nx-end: 2\r\n\r\n"
    assert client.state == IDLE


def test_trailers_are_dropped_where_the_body_is_not_chunked(respond):
    client = respond({**TRAILERS, "headers": LENGTH_2["headers"]}, part(b"ok"), end((b"x", b"1")))

    assert body_of(client) == b"ok"
    assert client.state == IDLE


def test_early_hints_come_before_the_head(respond):
    client = respond(HINT, START, part(b"ok"))

    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
    assert client.sent == hints + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def test_there_are_no_early_hints_in_http_1_0(respond):
    assert b"103" not in respond(HINT, START, part(b"ok"), data=OLD).sent


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 20_000)
    return path


TRANSPORTS = pytest.mark.parametrize("transport", [None, TextTransport], ids=["kernel", "read"])


@TRANSPORTS
def test_a_path_is_sent(respond, file, transport):
    message = {"type": "http.response.pathsend", "path": str(file)}

    client = respond(START, message, transport=transport and transport())

    assert b"Content-Length: 200000\r\n" in client.sent
    assert body_of(client) == file.read_bytes()
    assert client.state == IDLE
    assert client.protocol.worker.ended == [(2, 200_000)]


@TRANSPORTS
def test_a_file_that_is_longer_than_the_declared_length_is_cut_off(respond, file, transport):
    message = {"type": "http.response.pathsend", "path": str(file)}

    client = respond(LENGTH_2, message, transport=transport and transport())

    assert body_of(client) == b"01"


def test_a_path_to_head_is_not_sent(respond, file):
    message = {"type": "http.response.pathsend", "path": str(file)}

    client = respond(START, message, data=HEAD)

    assert b"Content-Length: 200000\r\n" in client.sent
    assert not body_of(client)


def test_a_path_that_is_not_there_is_the_applications_error(raised, tmp_path):
    message = {"type": "http.response.pathsend", "path": str(tmp_path / "nothing")}

    assert isinstance(raised(START, message), FileNotFoundError)


@TRANSPORTS
def test_stretches_of_a_file_are_sent(respond, file, transport):
    with open(file, "rb") as opened:

        def stretch(more, **place):
            return {
                "type": "http.response.zerocopysend",
                "file": opened,
                "more_body": more,
                **place,
            }

        headers = [(b"content-length", b"12")]
        client = respond(
            {**START, "headers": headers},
            stretch(True, count=2),
            stretch(True, count=3),
            stretch(True, offset=199_998, count=None),
            part(b"-", more=True),
            stretch(False, offset=0, count=4),
            transport=transport and transport(),
        )

    assert body_of(client) == b"01" + b"234" + b"89" + b"-" + b"0123"
    assert client.state == IDLE


def test_stretches_without_a_length_are_chunks(respond, file):
    with open(file, "rb") as opened:
        message = {"type": "http.response.zerocopysend", "file": opened.fileno(), "count": 3}
        client = respond(START, {**message, "more_body": True}, message)

    assert body_of(client) == b"3\r\n012\r\n3\r\n345\r\n0\r\n\r\n"


def test_files_that_were_not_sent_are_closed(respond, file):
    before = len(os.listdir("/proc/self/fd"))
    message = {"type": "http.response.pathsend", "path": str(file)}

    client = respond(START, message)
    client.transport._left = 0
    client.feed(GET, 8)

    assert len(os.listdir("/proc/self/fd")) == before


# Records.


def test_hooks_and_logs_see_a_response_like_one_of_wsgi(connect):
    async def application(scope, receive, send):
        await send({**START, "status": 201, "headers": [(b"x-a", b"1")]})
        await send(part(b"made"))

    records, calls = [], []
    client = connect(application)
    client.protocol.notify_observers = lambda record, began: records.append(record)
    client.protocol.pre_request = (lambda worker, request, environ: calls.append(request),)
    client.feed(GET)

    assert [each.path for each in calls] == ["/x"]
    assert records[0].headers == [("x-a", "1")]
    assert (records[0].status, records[0].status_code, records[0].sent) == ("201 Created", 201, 4)
    assert records[0].environ["RAW_URI"] == "/x?y=1"
