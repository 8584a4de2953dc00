"""What was published about other servers, where no other test holds it."""

import pytest
import support.corpus_driver as driver
from hookserve_proxy.wrapper import ProxyProtocol

from hookserve.protocol.seam import CLOSING, READING_HEAD

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEADER = b"PROXY TCP4 198.51.100.7 203.0.113.5 51234 443\r\n"
PROXY = ("10.0.0.1", 5555)
SECRET = b"s3cret"


def respond_to(app, data):
    transport, _ = driver.converse(driver.make_protocol(app), [data])
    return transport.sent


def proxied(app):
    inner = driver.make_protocol(app, proxy_protocol="auto", proxy_allow_ips=(PROXY[0],))
    return ProxyProtocol(inner, inner.worker.config)


@pytest.mark.parametrize(
    "fields",
    [
        [("Link", "a\r\nX-B: b")],
        [("Link", "a\nb")],
        [("Link", "a\rb")],
        [("Li\r\nnk", "a")],
        [("Link", "a\0b")],
    ],
)
def test_early_hints_cannot_split_a_response(fields):
    """CVE-2020-5249."""

    def app(environ, start_response):
        environ["wsgi.early_hints"](fields)
        start_response("200 OK", [])
        return [b"ok"]

    sent = respond_to(app, GET)

    assert sent.startswith(b"HTTP/1.1 500 ")
    assert sent.count(b"HTTP/1.1 ") == 1
    assert b"X-B" not in sent


@pytest.mark.parametrize("value", ["a\u010d\u010aX-B: b", "a\u560d\u560aX-B: b", "\uff0d"])
@pytest.mark.parametrize("is_status", [False, True])
def test_wide_characters_do_not_become_line_ends(value, is_status):
    """CVE-2016-2216: their low bytes are CR and LF."""

    def app(environ, start_response):
        if is_status:
            start_response(f"200 {value}", [])
        else:
            start_response("200 OK", [("X-A", value)])
        return [b"ok"]

    sent = respond_to(app, GET)

    assert sent.startswith(b"HTTP/1.1 500 ")
    assert b"X-B" not in sent


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /%s HTTP/1.1\r\nHost: x\r\nExpect: <%s>\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: <%s>\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: x\r\nCookie: a=%s\r\n broken: fold\r\n\r\n",
        b"<%s> /%s HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: x\r\n<%s>: a\r\n\r\n",
        b"GET /%s HTTP/1.1\r\nHost: x\r\nCookie: a=%s\r\nContent-Length: x\r\n\r\n",
        b"POST /%s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n",
    ],
)
def test_a_refusal_repeats_nothing_of_the_request(request_bytes):
    """CVE-2006-3918, CVE-2012-0053, CVE-2015-2080, CVE-2022-39348."""
    app = driver.Recorder()

    sent = respond_to(app, request_bytes % (SECRET, SECRET))

    assert sent.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 417 ", b"HTTP/1.1 501 "))
    assert SECRET not in sent
    assert not app.environs


@pytest.mark.parametrize("beginning", [b"PROXY ", b"PROXY TCP4 ", b"PROXY UNKNOWN "])
def test_a_proxy_header_without_an_end_is_refused_at_its_bound(beginning):
    """CVE-2026-47736: the specification's bound is 107 bytes."""
    connection = proxied(driver.Recorder()).connect(PROXY)
    received = len(beginning)
    state = connection.feed(beginning)

    while state == READING_HEAD and received < 1000:
        state = connection.feed(b"1")
        received += 1

    assert state == CLOSING
    assert received <= 108


def test_a_second_proxy_header_is_no_request():
    """CVE-2026-47737: the header names the client of a connection, once."""
    app = driver.Recorder()

    transport, _ = driver.converse(
        proxied(app),
        [HEADER + GET, HEADER.replace(b"198.51.100.7", b"192.0.2.1") + GET],
        peer=PROXY,
    )

    assert [environ["REMOTE_ADDR"] for environ in app.environs] == ["198.51.100.7"]
    assert b"HTTP/1.1 400 " in transport.sent
