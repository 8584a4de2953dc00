"""A body that the application does not read: no exchange waits for it."""

import pytest
import support.corpus_driver as driver
from hookserve_http.body import DRAIN_LIMIT

from hookserve.protocol.seam import CLOSING, IDLE, READING_HEAD, READY

POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
LENGTH = POST + b"Content-Length: 100\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
CLOSE = b"\r\nConnection: close\r\n"


class Refusal:
    """An application that reads nothing."""

    def __init__(self):
        self.paths = []

    def __call__(self, environ, start_response):
        self.paths.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", "2")])
        return [b"no"]


def after_response(data):
    """A connection whose request has its response, and whose body is on its way."""
    app = Refusal()
    connection = driver.make_protocol(app).connect(("203.0.113.9", 1))
    transport = driver.MemoryTransport([b"never received"])
    assert connection.feed(data) == READY
    connection.run(transport)
    assert transport.received == 0
    return app, transport, connection


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("begun", [0, 1, 40, 100])
def test_the_rest_of_a_body_is_drained_as_it_arrives(begun, size):
    app, transport, connection = after_response(LENGTH + b"x" * begun)
    rest = b"x" * (100 - begun) + GET

    assert connection.state == (READING_HEAD if begun < 100 else IDLE)
    for at in range(0, len(rest), size):
        state = connection.feed(rest[at : at + size])

    assert state == READY
    assert connection.run(transport) == IDLE
    assert app.paths == ["/", "/next"]
    assert CLOSE not in transport.sent


def test_a_body_that_has_arrived_is_drained_with_the_next_request_behind_it():
    app, transport, connection = after_response(LENGTH + b"x" * 100 + GET)

    assert connection.state == READY
    assert connection.run(transport) == IDLE
    assert app.paths == ["/", "/next"]


@pytest.mark.parametrize(
    ("head", "closes"),
    [
        (POST + b"Content-Length: %d\r\n\r\n" % DRAIN_LIMIT, False),
        (POST + b"Content-Length: %d\r\n\r\n" % (DRAIN_LIMIT + 1), True),
        (CHUNKED, True),
        (POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n", True),
    ],
    ids=["little", "much", "unknown", "not begun"],
)
def test_a_response_announces_that_the_rest_of_the_body_will_not_be_read(head, closes):
    _, transport, connection = after_response(head)

    assert (CLOSE in transport.sent) == closes
    assert (connection.state, connection.lingers) == ((CLOSING, True) if closes else (1, False))


@pytest.mark.parametrize(
    "happen",
    [
        lambda connection: connection.expire(),
        lambda connection: connection.feed(b""),
        lambda connection: connection.fail(MemoryError()),
    ],
    ids=["deadline", "end", "failure"],
)
def test_a_client_that_has_its_response_gets_no_second_one(happen):
    _, transport, connection = after_response(LENGTH)
    sent = transport.sent
    assert connection.state == READING_HEAD

    assert happen(connection) == CLOSING
    assert transport.sent == sent


def test_a_body_of_which_reading_failed_is_not_drained_but_closed():
    def app(environ, start_response):
        try:
            environ["wsgi.input"].read()
        except OSError:
            pass
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    _, connection = driver.converse(driver.make_protocol(app), [LENGTH + b"x"])

    assert connection.state == CLOSING
