"""What a response consists of, whatever the application says (RFC 9110, 6, 8, 9 and 15)."""

import os
import re
import time
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import pytest
import support.corpus_driver as driver
from hookserve_http import grammar

from hookserve.protocol.seam import CLOSING, IDLE

LARGE = 100_000
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3]\d [A-Z][a-z]{2} \d{4} [0-2]\d:[0-5]\d:[0-6]\d GMT"
)
REFUSED = {
    400: b"GET / HTTP/1.1\r\n\r\n",
    413: b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n",
    414: b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    417: b"GET / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n",
    431: b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
    501: b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n",
    505: b"GET / HTTP/2.0\r\nHost: h\r\n\r\n",
}


class Sending(driver.MemoryTransport):
    """A transport that sends files, as sockets do."""

    def send_file(self, fileno, offset, count):
        data = os.pread(fileno, count, offset)
        self.sent += data
        return len(data)


def request(method="GET", version="1.1", extra="", target="/"):
    return f"{method} {target} HTTP/{version}\r\nHost: h\r\n{extra}\r\n".encode()


def answering(result, status="200 OK", headers=()):
    def app(environ, start_response):
        start_response(status, list(headers))
        return result(environ) if callable(result) else result

    return app


def ask(app, data=None, **settings):
    """One exchange, and its response taken apart."""
    connection = driver.make_protocol(app, **settings).connect(("203.0.113.9", 1))
    transport = Sending()
    connection.feed(data or request())
    connection.run(transport)
    return parsed(transport.sent, connection)


def parsed(sent, connection):
    head, _, body = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(": ")
        fields.setdefault(name.lower(), []).append(value)
    return SimpleNamespace(first=first, fields=fields, body=body, state=connection.state)


def unchunked(data):
    body = b""
    while size := int(data[: data.index(b"\r\n")], 16):
        start = data.index(b"\r\n") + 2
        body += data[start : start + size]
        assert data[start + size : start + size + 2] == b"\r\n"
        data = data[start + size + 2 :]
    assert data == b"0\r\n\r\n"
    return body


@pytest.mark.parametrize("status", ["200 OK", "301 Moved", "304 Same", "404 No", "500 Oh"])
def test_a_response_has_one_date_and_one_server(status):
    answer = ask(answering([b""], status))

    (date,) = answer.fields["date"]
    assert DATE.fullmatch(date)
    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 60
    assert answer.fields["server"] == ["hookserve"]


@pytest.mark.parametrize("own", [["Date"], ["Server"], ["Date", "Server"]])
def test_the_applications_own_date_and_server_are_kept(own):
    headers = [(name, "its own") for name in own]
    answer = ask(answering([b""], headers=headers))

    for name in ("Date", "Server"):
        (value,) = answer.fields[name.lower()]
        assert (value == "its own") is (name in own)


def test_a_setting_leaves_server_out():
    answer = ask(answering([b""]), server_header=False)
    refusal = ask(answering([b""]), b"GET\r\n\r\n", server_header=False)
    own = ask(answering([b""], headers=[("Server", "its own")]), server_header=False)

    assert "server" not in answer.fields
    assert "server" not in refusal.fields
    assert own.fields["server"] == ["its own"]
    assert len(answer.fields["date"]) == 1


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_is_a_whole_response_that_closes(code):
    answer = ask(driver.Recorder(), REFUSED[code], limit_request_body=100)

    assert answer.first.startswith(f"HTTP/1.1 {code} ")
    assert DATE.fullmatch(answer.fields["date"][0])
    assert answer.fields["connection"] == ["close"]
    assert answer.fields["content-type"] == ["text/plain; charset=utf-8"]
    assert answer.body.decode().startswith(f"{code} ")
    assert answer.fields["content-length"] == [str(len(answer.body))]
    assert answer.state == CLOSING


@pytest.mark.parametrize(
    "data",
    [
        request("HEAD").replace(b"Host: h", b"Host: a b"),
        request("HEAD").replace(b"HTTP/1.1", b"HTTP/3.0"),
        request("HEAD", extra="Content-Length: 1000\r\n"),
        request("HEAD", extra="X: " + "x" * 9000 + "\r\n"),
        request("HEAD", target="/" + "x" * 5000),
    ],
    ids=["Host", "version", "body", "field", "target"],
)
def test_a_refusal_of_head_has_no_content(data):
    refused = ask(driver.Recorder(), data, limit_request_body=100)
    other = ask(driver.Recorder(), data.replace(b"HEAD", b"GET"), limit_request_body=100)

    assert refused.body == b""
    assert refused.first == other.first
    assert refused.fields["content-length"] == [str(len(other.body))] != ["0"]


def test_a_head_that_is_too_slow_gets_408():
    connection = driver.make_protocol(driver.Recorder()).connect(("203.0.113.9", 1))
    transport = driver.MemoryTransport()
    connection.feed(request()[:20])
    connection.expire()
    connection.run(transport)
    answer = parsed(transport.sent, connection)

    assert answer.first == "HTTP/1.1 408 Request Timeout"
    assert answer.fields["connection"] == ["close"]
    assert connection.state == CLOSING
    assert connection.lingers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_failure_of_the_application_is_a_500_without_content_for_head(method):
    def app(environ, start_response):
        raise ValueError("a secret")

    answer = ask(app, request(method))

    assert answer.first == "HTTP/1.1 500 Internal Server Error"
    assert answer.body == (b"" if method == "HEAD" else b"500 Internal Server Error\n")
    assert answer.fields["connection"] == ["close"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_status_line_is_of_1_1_and_says_what_the_application_says(version):
    answer = ask(answering([b"x"], "299 In Our Own Words"), request(version=version))

    assert answer.first == "HTTP/1.1 299 In Our Own Words"


def test_a_status_without_phrase_keeps_its_space():
    assert ask(answering([b"x"], "200")).first == "HTTP/1.1 200 "


@pytest.mark.parametrize("status", ["100 Continue", "101 Switching Protocols", "103 Early Hints"])
def test_an_interim_status_is_no_answer(status):
    """The client would take the next response for the one to this request."""
    answer = ask(answering([], status, [("Upgrade", "x")]), request(extra="Upgrade: x\r\n"))

    assert answer.first.startswith("HTTP/1.1 500 ")
    assert answer.state == CLOSING


def bodies(path):
    """Ways in which an application gives a large body."""
    return {
        "list": [b"x" * LARGE],
        "tuple": (b"x" * 10, b"y" * LARGE),
        "iterator": iter([b"x" * 10, b"y" * LARGE]),
        "file": lambda environ: environ["wsgi.file_wrapper"](path.open("rb")),
    }


@pytest.mark.parametrize("kind", ["list", "tuple", "iterator", "file"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
@pytest.mark.parametrize(
    ("method", "status", "length"),
    [
        ("GET", "204 No Content", []),
        ("GET", "205 Reset Content", ["0"]),
        ("GET", "304 Not Modified", None),
        ("HEAD", "200 OK", None),
        ("HEAD", "204 No Content", []),
        ("HEAD", "205 Reset Content", ["0"]),
    ],
)
def test_a_response_without_content_has_none(tmp_path, kind, declared, method, status, length):
    path = tmp_path / "file"
    path.write_bytes(b"x" * LARGE)
    headers = [("Content-Length", str(LARGE))] if declared else []

    answer = ask(answering(bodies(path)[kind], status, headers), request(method))

    assert answer.first == f"HTTP/1.1 {status}"
    assert answer.body == b""
    assert "transfer-encoding" not in answer.fields
    assert answer.state == IDLE
    if length is not None:
        assert answer.fields.get("content-length", []) == length
    elif declared:
        assert answer.fields["content-length"] == [str(LARGE)]
    elif status.startswith("304"):
        assert "content-length" not in answer.fields


@pytest.mark.parametrize("declared", [True, False])
def test_a_file_after_what_was_written_is_a_part_of_the_same_body(tmp_path, declared):
    path = tmp_path / "file"
    path.write_bytes(b"x" * LARGE)

    def app(environ, start_response):
        headers = [("Content-Length", str(LARGE + 4))] if declared else []
        start_response("200 OK", headers)(b"head")
        return environ["wsgi.file_wrapper"](path.open("rb"))

    answer = ask(app)

    body = answer.body if declared else unchunked(answer.body)
    assert body == b"head" + b"x" * LARGE
    assert answer.state == IDLE


def test_head_says_what_get_would():
    app = answering([b"hello"], headers=[("Content-Type", "text/plain"), ("X-A", "b")])

    get, head = ask(app), ask(app, request("HEAD"))

    get.fields.pop("date"), head.fields.pop("date")
    assert head.fields == get.fields
    assert (get.body, head.body) == (b"hello", b"")


@pytest.mark.parametrize(
    "result", [[], (), [b""], iter([])], ids=["list", "tuple", "empty", "iterator"]
)
def test_a_length_that_head_does_not_know_is_not_said(result):
    """0 would be what GET has."""
    answer = ask(answering(result), request("HEAD"))

    assert not {"content-length", "transfer-encoding"} & answer.fields.keys()
    assert answer.state == IDLE


def test_an_empty_write_is_not_the_end_of_the_body():
    def app(environ, start_response):
        write = start_response("200 OK", [])
        for part in (b"", b"abc", b"", b"def"):
            write(part)
        return []

    assert unchunked(ask(app).body) == b"abcdef"


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_has_one_framing(declared):
    headers = [("Content-Length", "6")] if declared else []

    whole = ask(answering([b"abc", b"def"], headers=headers))
    parts = ask(answering(iter([b"abc", b"", b"def"]), headers=headers))

    assert whole.body == b"abcdef"
    assert whole.fields["content-length"] == ["6"]
    assert "transfer-encoding" not in whole.fields
    assert parts.fields.get("content-length") == (["6"] if declared else None)
    assert parts.fields.get("transfer-encoding") == (None if declared else ["chunked"])
    assert (parts.body if declared else unchunked(parts.body)) == b"abcdef"


@pytest.mark.parametrize("option", ["", "Connection: keep-alive\r\n"])
def test_http_1_0_gets_no_coding_and_the_end_of_the_connection_instead(option):
    answer = ask(answering(iter([b"abc", b"def"])), request(version="1.0", extra=option))

    assert "transfer-encoding" not in answer.fields
    assert answer.fields["connection"] == ["close"]
    assert answer.body == b"abcdef"
    assert answer.state == CLOSING


@pytest.mark.parametrize("name", sorted(grammar.HOP_BY_HOP))
def test_what_concerns_one_connection_alone_is_not_the_applications(name):
    answer = ask(answering(iter([b"abc"]), headers=[(name.title(), "from-the-app")]))

    assert answer.first == "HTTP/1.1 200 OK"
    assert "from-the-app" not in str(answer.fields)
    assert unchunked(answer.body) == b"abc"
    assert answer.state == IDLE


def test_a_coding_that_the_application_claims_is_not_applied_twice():
    coded = b"3\r\nabc\r\n0\r\n\r\n"
    answer = ask(answering(iter([coded]), headers=[("Transfer-Encoding", "chunked")]))

    assert answer.fields["transfer-encoding"] == ["chunked"]
    assert unchunked(answer.body) == coded


def test_fields_are_sent_in_the_order_in_which_they_were_given():
    cookies = [("Set-Cookie", "a=1"), ("X-A", "b"), ("Set-Cookie", "c=2, d")]

    answer = ask(answering([b""], headers=cookies))

    assert answer.fields["set-cookie"] == ["a=1", "c=2, d"]


def test_early_hints_declare_no_length_and_no_connection():
    def app(environ, start_response):
        environ["wsgi.early_hints"](
            [("Content-Length", "5"), ("Connection", "close"), ("Link", "<x>")]
        )
        start_response("200 OK", [])
        return [b"ok"]

    hints = ask(app)

    assert hints.first == "HTTP/1.1 103 Early Hints"
    assert hints.fields == {"link": ["<x>"]}


def test_early_hints_are_not_for_1_0_nor_for_a_response_that_has_begun():
    found = []

    def app(environ, start_response):
        found.append("wsgi.early_hints" in environ)
        write = start_response("200 OK", [("Content-Length", "4")])
        write(b"ok")
        if found[-1]:
            environ["wsgi.early_hints"]([("Link", "<x>")])
        return [b"ok"]

    assert ask(app).body == b"okok"
    assert ask(app, request(version="1.0")).body == b"okok"
    assert found == [True, False]


@pytest.mark.parametrize("headers", [[], [("Content-Length", "3")]])
@pytest.mark.parametrize("kind", [list, iter, tuple])
def test_connect_opens_no_tunnel(kind, headers):
    data = request("CONNECT", target="h:443")

    def result(environ):
        return kind([b"abc"])

    granted = ask(answering(result, headers=headers), data)
    denied = ask(answering([b"abc"], "403 Forbidden", headers), data)

    assert not {"content-length", "transfer-encoding"} & granted.fields.keys()
    assert granted.body == b""
    is_chunked = "transfer-encoding" in denied.fields
    assert (unchunked(denied.body) if is_chunked else denied.body) == b"abc"
    for answer in (granted, denied):
        assert answer.fields["connection"] == ["close"]
        assert answer.state == CLOSING
