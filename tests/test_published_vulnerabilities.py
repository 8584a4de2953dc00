"""What was published about other servers, where no other test holds it."""

import io
import logging
import tempfile
import time

import pytest
import support.corpus_driver as driver
from hookserve_proxy.wrapper import ProxyProtocol

from hookserve.protocol.seam import CLOSING, READING_BODY, READING_HEAD

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


def test_a_refusal_shows_nothing_of_another_request():
    """CVE-2015-2080."""
    protocol = driver.make_protocol(driver.Recorder())
    secret = b"GET /%s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n" % (SECRET, SECRET)
    waiting = protocol.connect(("203.0.113.8", 1))
    waiting.feed(secret)
    driver.converse(protocol, [secret + b"\r\n"])

    transport, _ = driver.converse(protocol, [b"GET / HTTP/1.1\r\nHost: x\r\nA\0: b\r\n\r\n"])

    assert transport.sent.startswith(b"HTTP/1.1 400 ")
    assert SECRET not in transport.sent


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


def hello(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]


LONG = 4000
LISTS = {
    "Connection": b",".join([b"a"] * LONG),
    "Connection, empty": b"," * LONG,
    "Expect": b"," * LONG + b"100-continue",
    "Transfer-Encoding": b",".join([b"chunked"] * 1000),
    "X-Forwarded-For": b",".join([b"10.0.0.1"] * 800),
    "Forwarded": b",".join([b"for=10.0.0.1"] * 600),
    "Cookie": b";".join([b"a=b"] * 2000),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_thousands_of_elements_is_read_without_recursion(name):
    """CVE-2021-31525, CVE-2023-50269: each element took a frame of the stack."""
    field = name.partition(",")[0]
    settings = {"forwarded_allow_ips": "*", "proxy_hops": 5000}
    if "orwarded" in field:
        settings["client_header"] = field
    protocol = driver.make_protocol(hello, **settings)
    head = b"GET / HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n" % (field.encode(), LISTS[name])

    transport, _ = driver.converse(protocol, [head])

    assert transport.sent.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))


def seconds_to_parse(count):
    """The shortest of some times for a head that repeats one field so often."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * count + b"\r\n"
    protocol = driver.make_protocol(hello, limit_request_fields=32768)
    times = []
    for _ in range(3):
        connection = protocol.connect(("203.0.113.9", 1))
        began = time.thread_time()
        connection.feed(head)
        times.append(time.thread_time() - began)
    return min(times)


def test_repeated_fields_are_joined_in_linear_time():
    """CVE-2025-67725: each repetition copied what was there before."""
    assert seconds_to_parse(16000) < 3 * 8 * max(seconds_to_parse(2000), 0.0005)


def failing(environ, start_response):
    raise ValueError("on purpose")


def test_the_log_of_a_failure_shows_no_credentials():
    """CVE-2019-3888."""
    protocol = driver.make_protocol(failing)
    log = io.StringIO()
    protocol.worker.log = logging.Logger("test")
    protocol.worker.log.addHandler(logging.StreamHandler(log))
    fields = b"Authorization: Bearer %s\r\nCookie: a=%s\r\nX-Api-Key: %s\r\n" % ((SECRET,) * 3)

    driver.converse(protocol, [GET[:-2] + fields + b"\r\n"])

    assert "ValueError: on purpose" in log.getvalue()
    assert SECRET.decode() not in log.getvalue()


@pytest.mark.parametrize("app", [hello, failing])
def test_a_page_of_the_server_says_its_character_set(app):
    """CVE-2007-4465: browsers guessed one in which the page was a script."""
    sent = respond_to(app, GET if app is failing else b"NONSENSE\r\n\r\n")

    assert b"\r\nContent-Type: text/plain; charset=utf-8\r\n" in sent


def test_a_prefix_that_a_client_sends_moves_no_script_name():
    """CVE-2024-52003."""
    app = driver.Recorder()
    protocol = driver.make_protocol(app, forwarded_allow_ips="*")

    driver.converse(protocol, [GET[:-2] + b"X-Forwarded-Prefix: //evil.example\r\n\r\n"])

    (environ,) = app.environs
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/")


FOLDED = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n" + b" c\r\n" * 40_000


def test_folded_lines_count_towards_the_limits():
    """CVE-2004-0493: a field without an end in lines of blanks."""
    protocol = driver.make_protocol(hello, permit_obsolete_folding=True)

    transport, connection = driver.converse(protocol, [FOLDED])

    assert transport.sent.startswith(b"HTTP/1.1 431 ")
    assert connection.state == CLOSING


def test_the_file_of_a_refused_body_is_closed_at_once():
    """CVE-2025-61795: it stayed until the garbage collector came."""
    files = []

    def spool():
        files.append(tempfile.TemporaryFile())
        return files[-1]

    protocol = driver.make_protocol(hello, True, spool_size=100, limit_request_body=1000)
    protocol.worker.spool = spool
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = protocol.connect(("203.0.113.9", 1))
    connection.feed(head + b"200\r\n" + b"x" * 0x200 + b"\r\n")
    assert connection.state == READING_BODY
    assert not files[0].closed

    connection.feed(b"400\r\n")

    assert files[0].closed
