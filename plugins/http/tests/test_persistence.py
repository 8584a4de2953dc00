"""How long a connection lasts, and what a client may ask of it (RFC 9112, 9; RFC 9110, 10)."""

import pytest
import support.corpus_driver as driver
from hookserve_http.protocol import HttpProtocol

from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, IDLE, READING_BODY

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EXPECTING = b"Expect: 100-continue\r\nContent-Length: 5\r\n"


def request(version="1.1", lines=(), method="GET"):
    fields = "".join(f"{line}\r\n" for line in lines)
    return f"{method} / HTTP/{version}\r\nHost: h\r\n{fields}\r\n".encode()


def expecting(version=b"1.1", fields=EXPECTING):
    return b"POST / HTTP/%s\r\nHost: h\r\n%s\r\n" % (version, fields)


def options_of(sent):
    lines = sent.partition(b"\r\n\r\n")[0].split(b"\r\n")
    return [line for line in lines if line.startswith(b"Connection:")]


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize(
    ("version", "values", "persists"),
    [
        ("1.1", [], True),
        ("1.1", [""], True),
        ("1.1", ["keep-alive"], True),
        ("1.1", ["Keep-Alive, TE"], True),
        ("1.1", ["closed"], True),
        ("1.1", ["x-close"], True),
        ("1.1", ["close-x"], True),
        ("1.1", ["close"], False),
        ("1.1", ["CLOSE"], False),
        ("1.1", ["keep-alive, Close"], False),
        ("1.1", ["close, keep-alive"], False),
        ("1.1", ["TE,close\t,x"], False),
        ("1.1", [",, close,,"], False),
        ("1.1", ["keep-alive", "close"], False),
        ("1.1", ["close", "keep-alive"], False),
        ("1.0", [], False),
        ("1.0", [""], False),
        ("1.0", ["TE"], False),
        ("1.0", ["keep-alives"], False),
        ("1.0", ["keep-alive"], True),
        ("1.0", ["KEEP-ALIVE"], True),
        ("1.0", ["TE, Keep-Alive"], True),
        ("1.0", [", ,keep-alive ,"], True),
        ("1.0", ["x", "keep-alive"], True),
        ("1.0", ["keep-alive, close"], False),
        ("1.0", ["keep-alive", "close"], False),
    ],
)
def test_the_version_and_the_options_decide(version, values, persists, buffered):
    protocol = driver.make_protocol(driver.Recorder(), buffered)

    for _ in range(3):
        data = request(version, [f"Connection: {value}" for value in values])
        transport, connection = driver.converse(protocol, [data])

        assert connection.state == (IDLE if persists else CLOSING)
        assert options_of(transport.sent) == (
            [b"Connection: close"]
            if not persists
            else [b"Connection: keep-alive"]
            if version == "1.0"
            else []
        )


@pytest.mark.parametrize(
    "line",
    [
        "Keep-Alive: timeout=5",
        "Proxy-Connection: close",
        "Close: 1",
        "TE: trailers, gzip",
        "TE: gzip;q=1",
    ],
)
@pytest.mark.parametrize("options", [[], ["Connection: Keep-Alive, TE"]])
def test_other_fields_about_the_connection_change_nothing(line, options):
    def app(environ, start_response):
        start_response("200 OK", [])
        return iter([b"ok"])

    transport, connection = driver.converse(
        driver.make_protocol(app), [request(lines=[line, *options])]
    )

    assert connection.state == IDLE
    assert transport.sent.count(b"Transfer-Encoding: chunked\r\n") == 1
    assert transport.sent.endswith(b"\r\n\r\n2\r\nok\r\n0\r\n\r\n")


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_server_that_keeps_no_connection_says_so_each_time(version):
    protocol = driver.make_protocol(driver.Recorder(), keepalive=0)

    transport, connection = driver.converse(
        protocol, [request(version, ["Connection: keep-alive"])]
    )

    assert options_of(transport.sent) == [b"Connection: close"]
    assert connection.state == CLOSING


def failing(environ, start_response):
    raise ValueError("on purpose")


def short(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return [b"short"]


@pytest.mark.parametrize("app", [failing, short])
@pytest.mark.parametrize("split", [False, True])
def test_nothing_is_run_after_a_response_that_closes(app, split):
    protocol = driver.make_protocol(app)
    pieces = [request(), request()] if split else [request() + request()]

    transport, connection = driver.converse(protocol, pieces)

    assert transport.sent.count(b"HTTP/1.1 ") == 1
    assert protocol.worker.begun == 1
    assert connection.state == CLOSING
    assert connection.lingers


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("name", ["websocket", "h2c", "TLS/1.0, HTTP/2.0"])
def test_an_upgrade_is_declined(version, name):
    app = driver.Recorder()
    lines = [
        "Connection: Upgrade, HTTP2-Settings, keep-alive",
        f"Upgrade: {name}",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
    ]

    transport, connection = driver.converse(
        driver.make_protocol(app), [request(version, lines) * 2]
    )

    assert transport.sent.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b"Upgrade" not in transport.sent
    assert len(app.environs) == 2
    assert connection.state == IDLE


@pytest.mark.parametrize(
    "fields",
    [
        EXPECTING,
        b"Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n",
        b"Expect: 100-continue, ,100-CONTINUE\r\nContent-Length: 5\r\n",
        b"Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n",
        b"Expect: ,100-continue\r\nContent-Length: 5\r\n",
    ],
    ids=["length", "chunked", "list", "two fields", "empty element"],
)
def test_a_client_that_expects_100_gets_it_once(fields):
    body = b"5\r\nhello\r\n0\r\n\r\n" if b"chunked" in fields else b"hello"
    for buffered in (False, True):
        app = driver.Recorder()

        transport, connection = driver.converse(
            driver.make_protocol(app, buffered), [expecting(fields=fields), body[:2], body[2:]]
        )

        assert transport.sent.startswith(CONTINUE + b"HTTP/1.1 200 OK\r\n")
        assert transport.sent.count(CONTINUE) == 1
        assert app.bodies == [b"hello"]
        assert connection.state == IDLE


@pytest.mark.parametrize(
    "protocol",
    [
        driver.make_protocol(driver.Recorder(), True),
        driver.make_protocol(driver.Recorder(), awaited_body=1, buffer_bodies=True),
    ],
    ids=["model", "setting"],
)
def test_a_buffered_connection_does_not_wait_for_the_body_first(protocol):
    connection = protocol.connect(("203.0.113.9", 1))

    assert connection.feed(expecting()) == READING_BODY
    assert connection.interim() == CONTINUE
    assert connection.interim() == b""


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize(
    "pieces",
    [
        [expecting(b"1.0"), b"hello"],
        [expecting() + b"h", b"ello"],
        [expecting() + b"hello"],
        [expecting(fields=b"Expect: 100-continue\r\n")],
        [expecting(fields=b"Expect: 100-continue\r\nContent-Length: 0\r\n")],
        [expecting(fields=b"Content-Length: 5\r\n"), b"hello"],
    ],
    ids=["1.0", "a part is there", "all is there", "no body", "empty body", "not asked"],
)
def test_a_client_that_does_not_expect_100_gets_none(pieces, buffered):
    app = driver.Recorder()

    transport, _ = driver.converse(driver.make_protocol(app, buffered), pieces)

    assert transport.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert CONTINUE not in transport.sent
    assert len(app.bodies) == 1


def test_an_answer_that_needs_no_body_comes_instead_and_closes():
    def app(environ, start_response):
        start_response("403 Forbidden", [])
        return [b"no"]

    transport, connection = driver.converse(driver.make_protocol(app), [expecting(), b"hello"])

    assert transport.sent.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert CONTINUE not in transport.sent
    assert options_of(transport.sent) == [b"Connection: close"]
    assert transport.received == 0
    assert connection.state == CLOSING
    assert connection.lingers


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(buffered):
    protocol = driver.make_protocol(driver.Recorder(), buffered, limit_request_body=4)

    transport, connection = driver.converse(protocol, [expecting(), b"hello"])

    assert transport.sent.startswith(b"HTTP/1.1 413 ")
    assert CONTINUE not in transport.sent
    assert connection.state == CLOSING


def test_no_100_continue_is_sent_in_the_middle_of_a_response():
    """The client would take it for a part of the body."""
    bodies = []

    def app(environ, start_response):
        start_response("200 OK", [])
        yield b"begun"
        bodies.append(environ["wsgi.input"].read())
        yield b"done"

    transport, connection = driver.converse(driver.make_protocol(app), [expecting(), b"hello"])

    assert CONTINUE not in transport.sent
    assert transport.sent.endswith(b"\r\n\r\n5\r\nbegun\r\n4\r\ndone\r\n0\r\n\r\n")
    assert bodies == [b"hello"]
    assert connection.state == CLOSING


def test_a_client_that_disconnects_at_100_continue_is_not_a_failure_of_the_application():
    def app(environ, start_response):
        environ["wsgi.input"].read()
        raise AssertionError("the body was read")

    records = []
    worker = driver.make_worker(app)
    worker.log_access = (records.append,)
    protocol = HttpProtocol(worker, Endpoint("127.0.0.1", "8000"), False)

    driver.converse(protocol, [expecting()], limit=0)

    assert "the client disconnected" in records[0].reason


def unread(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


CHUNKED = request(lines=["Transfer-Encoding: chunked"], method="POST")


@pytest.mark.parametrize(
    ("data", "closes"),
    [
        (request(lines=["Content-Length: 65536"], method="POST") + b"x", False),
        (request(lines=["Content-Length: 65537"], method="POST"), True),
        (request(lines=["Content-Length: 65537"], method="POST") + b"x", False),
        (CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", False),
        (CHUNKED + b"5\r\nhello\r\n", True),
        (CHUNKED + b"x\r\n", True),
    ],
    ids=["limit", "over", "rest at the limit", "chunks", "more chunks", "invalid chunks"],
)
def test_a_response_before_more_body_than_is_drained_announces_the_end(data, closes):
    transport, _ = driver.converse(driver.make_protocol(unread), [data])

    assert (b"Connection: close" in transport.sent) is closes


@pytest.mark.parametrize(
    ("data", "state", "lingers"),
    [
        (request(), IDLE, False),
        (request(lines=["Connection: close"]), CLOSING, False),
        (request(lines=["Connection: close"]) + b"more", CLOSING, True),
        (request(lines=["Content-Length: 100000"], method="POST"), CLOSING, True),
        (
            request(lines=["Content-Length: 5", "Connection: close"], method="POST") + b"hello",
            CLOSING,
            True,
        ),
        (request(lines=["Content-Length: 5"], method="POST") + b"hello", IDLE, False),
        (b"GARBAGE\r\n\r\n", CLOSING, True),
    ],
    ids=[
        "kept",
        "closed",
        "closed with more",
        "large body",
        "unread body",
        "small body",
        "refused",
    ],
)
def test_who_may_still_be_sending_is_lingered_for(data, state, lingers):
    _, connection = driver.converse(driver.make_protocol(unread), [data])

    assert (connection.state, connection.lingers) == (state, lingers)
