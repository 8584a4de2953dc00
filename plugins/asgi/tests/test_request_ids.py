"""Requests of ASGI have ids: `hookserve_http.request_ids`."""

import re

import pytest
from support.asgi import LENGTH_2, hello, part
from support.websocket_wire import Wire

NAME = b"X-Request-ID"
UNTRUSTED = b"GET / HTTP/1.1\r\nHost: h\r\nX-Request-ID: a-1\r\nx-request-id: b-2\r\n\r\n"


def id_in(head):
    (found,) = re.findall(rb"\r\nX-Request-ID: (.*?)\r", head)
    return found


def ids_of(scope):
    return [value for name, value in scope["headers"] if name == b"x-request-id"]


def recording(scopes):
    """An application that responds with two bytes, and keeps the scopes of its requests."""

    async def application(scope, receive, send):
        scopes.append(scope)
        await hello(scope, receive, send)

    return application


@pytest.fixture
def served(connect):
    """A client, and the scopes of its requests."""
    scopes = []
    return connect(recording(scopes), request_id="X-Request-ID"), scopes


def test_the_scope_has_the_id_of_the_response_in_the_place_of_the_clients(served):
    client, scopes = served

    client.feed(UNTRUSTED)

    assert re.fullmatch(rb"[0-9a-f]{32}", id_in(client.sent))
    assert ids_of(scopes[0]) == [id_in(client.sent)]


def test_a_head_that_is_repeated_is_another_request_each_time(served):
    client, scopes = served

    sent = []
    for _ in range(4):
        client.transport.sent = b""
        sent.append(id_in(client.feed(UNTRUSTED).sent))

    assert len(set(sent)) == 4
    assert [ids_of(scope) for scope in scopes] == [[each] for each in sent]


def test_an_id_of_a_trusted_proxy_is_the_requests(connect):
    scopes, trusted = [], "203.0.113.9"
    settings = {"request_id": "X-Request-ID", "forwarded_allow_ips": trusted}
    client = connect(recording(scopes), **settings)
    for name in (b"a-1", b"a-2"):
        client.transport.sent = b""
        client.feed(b"GET / HTTP/1.1\r\nHost: h\r\nX-Request-ID: %b\r\n\r\n" % name)
        assert id_in(client.sent) == name
    assert [ids_of(scope) for scope in scopes] == [[b"a-1"], [b"a-2"]]


def test_the_applications_own_field_is_the_only_one(connect):
    async def application(scope, receive, send):
        headers = [(b"x-request-id", b"own"), (b"content-length", b"2")]
        await send({**LENGTH_2, "headers": headers})
        await send(part(b"ok"))

    client = connect(application, request_id="X-Request-ID").feed(UNTRUSTED)

    assert client.sent.lower().count(b"x-request-id") == 1
    assert b"\r\nx-request-id: own\r\n" in client.sent


def test_an_error_page_has_the_id(connect):
    async def application(scope, receive, send):
        scopes.append(scope)
        raise ValueError("of the test")

    scopes = []
    client = connect(application, request_id="X-Request-ID").feed(UNTRUSTED)

    assert client.sent.startswith(b"HTTP/1.1 500 ")
    assert ids_of(scopes[0]) == [id_in(client.sent)]


@pytest.mark.parametrize("message", ["websocket.accept", "websocket.close"])
def test_a_websocket_has_an_id_whether_it_is_accepted_or_not(message):
    async def application(scope, receive, send):
        scopes.append(scope)
        await receive()
        await send({"type": message})
        await receive()

    scopes = []
    wire = Wire(application, request_id="X-Request-ID")
    try:
        head = wire.shake_hands()
        assert ids_of(scopes[0]) == [id_in(head)]
    finally:
        wire.end()


def test_a_handshake_that_is_refused_has_an_id():
    wire = Wire(None, request_id="X-Request-ID")
    try:
        head = wire.shake_hands(b"Sec-WebSocket-Extensions: ;\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert id_in(head)
    finally:
        wire.end()
