"""The request cycle, without sockets."""

import contextlib
import sys

import pytest
import support.corpus_driver as driver
from hookserve_http.protocol import HttpProtocol

from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, IDLE

GET = b"GET /x?y HTTP/1.1\r\nHost: h\r\n\r\n"


def exchange(app, data=GET, **settings):
    protocol = driver.make_protocol(app, **settings)
    transport, connection = driver.converse(protocol, [data])
    return transport.sent, connection, protocol.worker


def answering(result, status="200 OK", headers=()):
    def app(environ, start_response):
        start_response(status, list(headers))
        return result

    return app


@pytest.mark.parametrize(
    "parts", [(b"ok",), (b"", b"ok"), (), (ValueError("x"),), (b"ok", ValueError("x"))]
)
def test_the_iterable_is_closed_on_every_path(parts):
    body = driver.Body(parts)

    exchange(answering(body))

    assert body.closes == 1


def test_the_iterable_is_closed_when_the_client_is_gone():
    body = driver.Body([b"x" * 100] * 10)
    protocol = driver.make_protocol(answering(body))
    connection = protocol.connect(("203.0.113.9", 1))

    class Gone(driver.MemoryTransport):
        def send(self, *buffers):
            raise BrokenPipeError("gone")

    connection.feed(GET)
    connection.run(Gone())

    assert body.closes == 1
    assert protocol.worker.ended == [(2, 100)]


def test_head_and_small_body_go_out_together():
    sends = []

    class Counting(driver.MemoryTransport):
        def send(self, *buffers):
            sends.append(buffers)

    connection = driver.make_protocol(answering([b"ok"])).connect(("203.0.113.9", 1))
    connection.feed(GET)
    connection.run(Counting())

    assert len(sends) == 1


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        ("200", [("Content-Length", "+3")]),
        ("200 OK", [("Content-Length", "-1")]),
        ("200 OK", [("Content-Length", "1_0")]),
        ("200 OK", [("Content-Length", "2"), ("content-length", "2")]),
        ("200 OK", [("X-A", "a\r\nX-B: b")]),
        ("200 OK", [("X-A", "a\r\n b")]),
        ("200 OK", [("X-A", "a\rb")]),
        ("200 OK", [("X-A", "a\nb")]),
        ("200 OK", [("X-A", "a\0b")]),
        ("200 O\rK", []),
        ("200 OK", [("X A", "a")]),
        ("200 OK", [("X-A", b"a")]),
        ("200 OK", [(b"X-A", "a")]),
        ("200 OK", [("X-A", 5)]),
        ("200 OK", [("X-A", "\u20ac")]),
        ("200 OK", [("X-A",)]),
        ("200 OK", ["X-A"]),
        ("OK", []),
        ("2000 OK", []),
        ("200 O\nK", []),
        (200, []),
    ],
)
def test_what_cannot_be_sent_is_a_500(status, headers):
    sent, _connection, worker = exchange(answering([b"ok"], status, headers))

    assert sent.startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert worker.ended[0][0] == 5
    assert b"X-B" not in sent


@pytest.mark.parametrize("name", ["Connection", "Transfer-Encoding", "Keep-Alive"])
def test_what_is_the_servers_own_is_not_the_applications(name):
    sent, _, _ = exchange(answering([b"ok"], headers=[(name, "from-the-app")]))

    assert sent.startswith(b"HTTP/1.1 200 OK")
    assert b"from-the-app" not in sent


def test_start_response_twice_needs_exc_info():
    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            raise ValueError("x")
        except ValueError:
            start_response("404 Not Found", [], sys.exc_info())
        return [b"gone"]

    assert exchange(app)[0].startswith(b"HTTP/1.1 404 Not Found")

    def wrong(environ, start_response):
        start_response("200 OK", [])
        start_response("404 Not Found", [])
        return [b""]

    assert exchange(wrong)[0].startswith(b"HTTP/1.1 500 ")


def test_exc_info_after_the_head_raises_it():
    caught = []

    def app(environ, start_response):
        start_response("200 OK", [])(b"begun")
        try:
            raise ValueError("x")
        except ValueError:
            try:
                start_response("500 Oh", [], sys.exc_info())
            except ValueError as error:
                caught.append(error)
        return []

    sent, _, _ = exchange(app)

    assert caught
    assert b"begun" in sent


def test_hooks_and_access_log_see_the_same_request():
    seen, shown = [], []

    def protocol_app(environ, start_response):
        shown.append(repr(environ["wsgi.early_hints"].__self__))
        start_response("201 Created", [("X-A", "b")])
        return [b"hello"]

    worker = driver.make_worker(protocol_app)
    worker.pre_request = (lambda *given: seen.append(("pre", *given)),)
    worker.post_request = (lambda *given: seen.append(("post", *given)),)
    worker.log_access = (lambda record: seen.append(("log", record)),)
    protocol = HttpProtocol(worker, Endpoint("127.0.0.1", "80"), False)
    driver.converse(protocol, [GET])

    (_, first, req, environ), (_, _, req2, _, resp), (_, record) = seen
    assert first is worker
    assert (req.method, req.uri, req.path, req.query, req.version) == (
        "GET",
        "/x?y",
        "/x",
        "y",
        (1, 1),
    )
    assert req.headers == req2.headers == [("HOST", "h")]
    assert (resp.status, resp.status_code, resp.sent) == ("201 Created", 201, 5)
    assert (record.status_code, record.sent, record.reason) == (201, 5, "")
    assert record.environ is environ
    assert repr(record) == "<Exchange '/x?y' 201 5 bytes>"
    assert shown == ["<Exchange '/x?y' 0 0 bytes>"]


def test_a_refusal_has_its_record():
    seen = []
    worker = driver.make_worker(answering([b""]))
    worker.log_access = (seen.append,)
    protocol = HttpProtocol(worker, Endpoint("127.0.0.1", "80"), False)
    driver.converse(protocol, [b"NONSENSE\r\n\r\n"])

    (refused,) = seen
    assert (refused.status_code, refused.request_line) == (400, "NONSENSE")
    assert refused.reason
    assert refused.environ["REMOTE_ADDR"] == "203.0.113.9"


def test_early_hints_come_before_the_response():
    def app(environ, start_response):
        environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload")])
        start_response("200 OK", [])
        return [b"ok"]

    sent, _, _ = exchange(app)

    assert sent.startswith(
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\nHTTP"
    )


def test_a_draining_worker_closes_after_the_response():
    protocol = driver.make_protocol(answering([b"ok"]))
    protocol.worker.keeps_connections = False

    transport, _connection = driver.converse(protocol, [GET])

    assert b"Connection: close\r\n" in transport.sent


def test_schemes_of_a_trusted_proxy_are_believed_and_of_others_not():
    app = driver.Recorder()
    data = GET.replace(b"\r\n\r\n", b"\r\nX-Forwarded-Proto: https\r\n\r\n")

    exchange(app, data)
    exchange(app, data, forwarded_allow_ips=("203.0.113.0/24",))
    sent, _, _ = exchange(
        app,
        data.replace(b"\r\n\r\n", b"\r\nX-Forwarded-Ssl: off\r\n\r\n"),
        forwarded_allow_ips=("*",),
    )

    assert [each["wsgi.url_scheme"] for each in app.environs] == ["http", "https"]
    assert sent.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("target", "status", "path"),
    [("/app/x", 200, "/x"), ("/app", 200, ""), ("/apple", 400, None), ("/x", 400, None)],
)
def test_the_prefix_of_a_trusted_proxy_is_whole_segments(target, status, path):
    """W45: /app is no prefix of /apple."""
    app = driver.Recorder()
    data = f"GET {target} HTTP/1.1\r\nHost: h\r\nSCRIPT_NAME: /app\r\n\r\n".encode()

    sent, _, _ = exchange(app, data, forwarded_allow_ips=("*",))
    exchange(app, data)

    assert sent.startswith(b"HTTP/1.1 %d " % status)
    assert app.environs[-1]["SCRIPT_NAME"] == ""
    if path is not None:
        assert (app.environs[0]["SCRIPT_NAME"], app.environs[0]["PATH_INFO"]) == ("/app", path)


def test_an_error_of_write_that_is_swallowed_is_the_end_all_the_same():
    sends = []

    class Gone(driver.MemoryTransport):
        def send(self, *buffers):
            sends.append(buffers)
            raise TimeoutError("too slow")

    def app(environ, start_response):
        write = start_response("200 OK", [("Content-Length", "4")])
        for _ in range(2):
            with contextlib.suppress(OSError):
                write(b"ab")
        return []

    records = []
    worker = driver.make_worker(app)
    worker.log_access = (records.append,)
    connection = HttpProtocol(worker, Endpoint("127.0.0.1", "80"), False).connect(("h", 1))
    connection.feed(GET)

    assert connection.run(Gone()) == CLOSING
    assert len(sends) == 1
    assert records[0].reason == "the client disconnected: too slow"


@pytest.mark.parametrize("status", [500, 408])
def test_only_the_client_is_blamed_for_its_own_slowness(status):
    """A time-out of the application's own is no 408, whatever else the request had."""

    class Slow(driver.MemoryTransport):
        def receive(self, size):
            raise TimeoutError("the client did not send its request body for 1 s")

    def app(environ, start_response):
        if status == 500:
            raise TimeoutError("the database")
        environ["wsgi.input"].read()

    connection = driver.make_protocol(app).connect(("203.0.113.9", 1))
    transport = Slow()
    connection.feed(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n")
    connection.run(transport)

    assert transport.sent.startswith(b"HTTP/1.1 %d " % status)


def test_no_more_is_read_from_an_application_than_its_length():
    asked = []

    def parts():
        for number in range(10):
            asked.append(number)
            yield b"abc"

    sent, connection, _ = exchange(answering(parts(), headers=[("Content-Length", "4")]))

    assert sent.endswith(b"\r\n\r\nabca")
    assert asked == [0, 1]
    assert connection.state == IDLE


def test_a_status_without_a_phrase_has_its_space():
    """RFC 9112, 4."""
    assert exchange(answering([b""], "200"))[0].startswith(b"HTTP/1.1 200 \r\n")


@pytest.mark.parametrize("result", [[b"abc"], iter([b"abc"])], ids=["list", "iterator"])
def test_a_client_that_expects_no_end_is_not_reset(result):
    """RFC 9112, 9.6: its next request may be under way, and must not undo the response."""
    _, connection, _ = exchange(answering(result, headers=[("Content-Length", "10")]))

    assert (connection.state, connection.lingers) == (CLOSING, True)
