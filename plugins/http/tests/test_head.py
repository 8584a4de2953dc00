"""Heads: where they end, and that it does not matter how their bytes arrive."""

import pytest
import support.corpus_driver as driver
from hookserve_http import head as head_module
from hookserve_http.errors import BadRequest
from hookserve_http.head import HeadParser
from hookserve_http.rules import HeadRules
from hypothesis import example, given
from hypothesis import settings as trial
from hypothesis import strategies as st

TEMPLATE = {"SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "", "wsgi.url_scheme": "http"}
LINES = (
    b"Host: h",
    b"Accept: */*",
    b"Cookie: a=1",
    b"Cookie: b=2",
    b"X_Dropped: 1",
    b"Connection: close",
    b"Content-Length: 8",
    b"Content-Length: 2",
    b"Transfer-Encoding: chunked",
    b"X-A: \t b ",
    b"bad",
    b"Expect: 100-continue",
    b"X-Forwarded-Proto: https",
    b"SCRIPT_NAME: /x",
    b"",
)
TARGETS = (b"/", b"/x/y?z", b"http://other/", b"*", b"/%41")
ENDS = (
    b"",
    b"\r\n\r\n",
    b"body\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"3\r\nabc\r\n0\r\n\r\n",
)


def outcome(protocol, pieces):
    """What the application was given and what the client got, the Date apart."""
    app = protocol.app
    del app.environs[:], app.bodies[:]
    transport, connection = driver.converse(protocol, pieces)
    environs = [
        {key: value for key, value in environ.items() if type(value) is str}
        for environ in app.environs
    ]
    # Whether 100 Continue is needed does depend on what has arrived.
    sent = transport.sent.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    replies = [line for line in sent.split(b"\r\n") if not line.startswith(b"Date:")]
    return environs, list(app.bodies), replies, connection.state


requests = st.builds(
    lambda method, target, lines, end: (
        b"\r\n".join((method + b" " + target + b" HTTP/1.1", *lines)) + b"\r\n\r\n" + end
    ),
    st.sampled_from((b"GET", b"POST", b"OPTIONS")),
    st.sampled_from(TARGETS),
    st.lists(st.sampled_from(LINES), max_size=6),
    st.sampled_from(ENDS),
)


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize(
    "settings", [{}, {"forwarded_allow_ips": ("*",)}, {"permit_obsolete_folding": True}]
)
def test_bytes_mean_the_same_whatever_came_before_and_however_they_are_split(buffered, settings):
    seasoned = driver.make_protocol(driver.Recorder(), buffered, **settings)

    @trial(deadline=None)
    @given(st.lists(requests, min_size=1, max_size=3).map(b"".join))
    @example(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nbody\r\n\r\n")
    @example(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n")
    def check(data):
        fresh = driver.make_protocol(driver.Recorder(), buffered, **settings)
        expected = outcome(fresh, [data[at : at + 1] for at in range(len(data))])

        for _ in range(3):
            assert outcome(seasoned, [data]) == expected

    check()


def test_the_fields_of_a_body_are_not_counted_with_the_heads():
    app = driver.Recorder()
    body = b"X: y\r\n" * 200 + b"\r\n"
    data = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    driver.converse(driver.make_protocol(app, limit_request_fields=2), [data])

    assert app.bodies == [body]


@pytest.mark.parametrize("fields", [40, 60])
def test_a_head_is_as_long_as_it_may_be_in_whatever_pieces_it_comes(fields):
    lines = b"".join(b"X-%d: %s\r\n" % (number, b"x" * 1500) for number in range(fields))
    data = b"GET / HTTP/1.1\r\nHost: h\r\n" + lines + b"\r\nGET /"

    statuses = []
    for size in (1000, 65536):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        statuses.append(
            driver.converse(driver.make_protocol(driver.Recorder()), pieces)[0].sent[:12]
        )

    assert set(statuses) == {b"HTTP/1.1 200" if fields == 40 else b"HTTP/1.1 431"}


def test_the_memory_of_names_is_bounded_and_makes_no_difference():
    parser = HeadParser(HeadRules(strip_header_spaces=True), TEMPLATE)

    for number in range(600):
        for name in (b"X-%d", b"x-%d ", b"X-%d" + b"x" * 100, b"X_%d"):
            field = name % number
            for value in (b"first", b"second"):
                environ = environ_of(parser, b"Host: h\r\n" + field + b": " + value + b"\r\n\r\n")

                key = "HTTP_" + field.decode().strip().upper().replace("-", "_")
                assert environ.get(key) == (None if b"_" in field else value.decode())
                with pytest.raises(BadRequest):
                    environ_of(parser, b"Host: h\r\n" + field + b": \0\r\n\r\n")
        assert 0 < len(parser._name_cache) <= 256
    assert max(map(len, parser._name_cache)) < 100


BLOCK = b"Host: h\r\nAccept: */*\r\nX-A: \t b \r\n\r\n"


def environ_of(parser, block, line=b"GET / HTTP/1.1"):
    environ, size = parser.parse(line + b"\r\n" + block)
    assert size == len(line) + 2 + len(block)
    return environ


def test_a_block_that_was_said_twice_is_not_taken_apart_again(monkeypatch):
    parser = HeadParser(HeadRules(), TEMPLATE)
    first = environ_of(parser, BLOCK)
    assert environ_of(parser, BLOCK) == first
    monkeypatch.delattr(HeadParser, "_parse_fields")

    assert environ_of(parser, BLOCK) == first
    other = environ_of(parser, BLOCK, b"PUT http://other/x?y HTTP/1.0")

    assert (other["HTTP_HOST"], other["SERVER_PROTOCOL"]) == ("other", "HTTP/1.0")
    assert (other["PATH_INFO"], other["QUERY_STRING"]) == ("/x", "y")
    assert other["HTTP_X_A"] == "b"
    assert environ_of(parser, BLOCK) == first


@pytest.mark.parametrize(
    "block",
    [
        b"X-A: b\r\n\r\n",
        b"Host: h\r\nX-A: b\r\nX-A: c\r\n\r\n",
        b"Host: h\r\nX_Dropped: b\r\n\r\n",
        b"Host: h\r\nX-Large: " + b"x" * 2000 + b"\r\n\r\n",
        b"Host: h\r\n" + b"".join(b"X-%d: xxxxxxxxxxxxxxxx\r\n" % n for n in range(60)) + b"\r\n",
    ],
    ids=["no Host", "repeated", "dropped", "a long line", "long"],
)
def test_blocks_that_are_not_plain_are_not_cached(block):
    parser = HeadParser(HeadRules(), TEMPLATE)

    environs = [environ_of(parser, block, b"GET / HTTP/1.0") for _ in range(4)]

    assert all(each == environs[0] for each in environs)
    assert not parser._block_cache


def test_what_follows_a_head_never_becomes_part_of_a_block():
    parser = HeadParser(HeadRules(), TEMPLATE)
    line = b"POST / HTTP/1.1\r\n"

    for rest in (b"\r\n\r\n", BLOCK, b"GET / HTTP/1.1\r\n" + BLOCK):
        for _ in range(4):
            assert parser.parse(line + BLOCK + rest)[1] == len(line + BLOCK)
    assert not parser._block_cache


def test_a_block_with_a_value_that_is_new_each_time_leaves_nothing_behind():
    parser = HeadParser(HeadRules(), TEMPLATE)

    for number in range(2000):
        environ_of(parser, b"Host: h\r\nX-Request-Id: %d\r\n\r\n" % number)

    assert not parser._block_cache


def test_the_memory_of_blocks_is_bounded_and_follows_who_is_there(monkeypatch):
    monkeypatch.setattr(head_module, "_BLOCK_CACHE_MISSES", 100)
    parser = HeadParser(HeadRules(), TEMPLATE)

    for number in range(300):
        for _ in range(3):
            assert environ_of(parser, b"Host: h%d\r\n\r\n" % number)["HTTP_HOST"] == f"h{number}"
            assert len(parser._block_cache) <= 64

    assert b"Host: h0\r\n\r\n" not in parser._block_cache
    assert len(parser._block_cache) > 1


def test_the_scheme_belongs_to_the_block():
    secure = {"HTTP_X_PROTO": "https", "HTTP_X_SSL": "on"}
    parser = HeadParser(HeadRules(secure_scheme_headers=secure), TEMPLATE)
    schemes = {
        b"Host: h\r\nX-Proto: https\r\n\r\n": "https",
        b"Host: h\r\nX-Proto: http\r\n\r\n": "http",
        b"Host: h\r\n\r\n": "http",
    }

    for _ in range(4):
        for block, scheme in schemes.items():
            assert environ_of(parser, block)["wsgi.url_scheme"] == scheme
        with pytest.raises(BadRequest):
            environ_of(parser, b"Host: h\r\nX-Proto: http\r\nX-Ssl: on\r\n\r\n")
    assert set(parser._block_cache) == set(schemes)


def test_what_is_known_of_a_connection_yields_to_whom_it_trusts():
    """Whether the block is new or cached: TLS says https, the proxy behind it what it knows."""
    parser = HeadParser(HeadRules(secure_scheme_headers={"HTTP_X_PROTO": "https"}), TEMPLATE)
    info = {"wsgi.url_scheme": "https", "SSL_PROTOCOL": "TLSv1.3", "REMOTE_ADDR": "192.0.2.9"}
    schemes = {b"Host: h\r\nX-Proto: http\r\n\r\n": "http", b"Host: h\r\n\r\n": "https"}

    for _ in range(4):
        for block, scheme in schemes.items():
            plain, _ = parser.parse(b"GET / HTTP/1.1\r\n" + block, "192.0.2.1", "5")
            environ, _ = parser.parse(b"GET / HTTP/1.1\r\n" + block, "192.0.2.1", "5", info)

            assert (plain["REMOTE_ADDR"], plain["REMOTE_PORT"]) == ("192.0.2.1", "5")
            assert plain["wsgi.url_scheme"] == "http"
            assert environ == {**plain, **info, "wsgi.url_scheme": scheme}
    assert set(parser._block_cache) == set(schemes)


def test_the_known_parts_of_a_refused_head_are_reported():
    parser = HeadParser(HeadRules(), TEMPLATE)

    with pytest.raises(BadRequest) as refused:
        parser.parse(b"GET /x HTTP/1.1\r\nHost: h\r\nX-A: \0\r\n\r\n", "192.0.2.1")

    found = refused.value.environ
    assert (found["REMOTE_ADDR"], found["PATH_INFO"]) == ("192.0.2.1", "/x")
    assert found["HTTP_HOST"] == "h"


def test_changing_an_environ_changes_no_other():
    parser = HeadParser(HeadRules(), TEMPLATE)
    first = environ_of(parser, BLOCK)

    for _ in range(4):
        environ = environ_of(parser, BLOCK)
        assert environ == first
        environ.clear()


@pytest.mark.parametrize(
    "line",
    [b"GET /x?y HTTP/1.1", b"PUT /%41 HTTP/1.0", b"OPTIONS * HTTP/1.1", b"GET //x??y HTTP/1.1"],
)
def test_a_request_line_that_was_said_again_is_not_taken_apart_again(monkeypatch, line):
    parser = HeadParser(HeadRules(), TEMPLATE)
    first = environ_of(parser, BLOCK, line)
    for _ in range(2):
        assert environ_of(parser, BLOCK, line) == first
    monkeypatch.delattr(HeadParser, "_parse_request_line")

    assert environ_of(parser, BLOCK, line) == first
    other = environ_of(parser, b"Host: other\r\n\r\n", line)

    assert other == {**{key: first[key] for key in other}, "HTTP_HOST": "other"}


def test_the_authority_of_a_target_replaces_the_host_each_time():
    parser = HeadParser(HeadRules(), TEMPLATE)

    for _ in range(4):
        for authority in ("a", "b"):
            line = f"GET http://{authority}/ HTTP/1.1".encode()
            assert environ_of(parser, BLOCK, line)["HTTP_HOST"] == authority
    assert not parser._request_line_cache


def test_the_memory_of_request_lines_is_bounded():
    parser = HeadParser(HeadRules(), TEMPLATE)

    for number in range(600):
        for line in (b"GET /%d HTTP/1.1" % number, b"GET /%d%s HTTP/1.1" % (number, b"x" * 300)):
            for _ in range(2):
                assert environ_of(parser, BLOCK, line)["RAW_URI"] == line.split()[1].decode()
        assert len(parser._request_line_cache) <= 256
    assert len(parser._request_line_cache) > 0
    assert max(map(len, parser._request_line_cache)) < 300


def test_request_lines_that_are_new_each_time_are_not_cached():
    parser = HeadParser(HeadRules(), TEMPLATE)

    for number in range(100):
        environ_of(parser, b"Host: h\r\nX-Request-Id: %d\r\n\r\n" % number)

    assert not parser._request_line_cache


@pytest.mark.parametrize("block", [b"SCRIPT_NAME: /a\r\nHost: h\r\n\r\n"])
def test_a_prefix_is_taken_off_each_path(block):
    parser = HeadParser(HeadRules(forwarder_headers=frozenset({"SCRIPT_NAME"})), TEMPLATE)

    for path in ("/x", "/y", "/x"):
        environ = environ_of(parser, block, f"GET /a{path} HTTP/1.1".encode())
        assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/a", path)
        with pytest.raises(BadRequest):
            environ_of(parser, block, b"GET /other HTTP/1.1")
