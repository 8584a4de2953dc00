"""A head that arrives in pieces: found at once where it ends, refused at its first fault."""

import re
from itertools import product

import pytest
import support.corpus_driver as driver
from hookserve_http.fields import END
from hookserve_http.head import HeadParser
from hookserve_http.incomplete import IncompleteHead
from hookserve_http.rules import HeadRules

from hookserve.protocol.seam import CLOSING, READING_HEAD, READY

TEMPLATE = {"SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "", "wsgi.url_scheme": "http"}
HEAD = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


def feed_bytes(connection, data):
    """Feed one byte at a time until something is ready; returns how many that were."""
    for count in range(len(data)):
        if connection.state != READING_HEAD and count:
            return count
        connection.feed(data[count : count + 1])
    return len(data)


@pytest.mark.parametrize("cut", range(1, len(HEAD)))
def test_the_end_is_found_wherever_it_is_split(cut):
    head = IncompleteHead(HEAD[:cut])

    assert head.add(HEAD[cut:] + b"rest") == len(HEAD)
    assert head.split(len(HEAD)) == (HEAD, b"rest")


def test_an_end_in_one_byte_at_a_time_is_found_with_its_last():
    head = IncompleteHead(HEAD[:1])

    sizes = [head.add(HEAD[at : at + 1]) for at in range(1, len(HEAD))]

    assert sizes == [0] * (len(HEAD) - 2) + [len(HEAD)]


def test_a_search_begins_three_bytes_before_the_piece():
    head = IncompleteHead(b"GET /")
    assert head.start == 0

    head.add(b" HTTP")

    assert head.start == 2


def test_a_bare_end_of_line_is_refused_as_soon_as_it_is_there():
    rule = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")
    parser = HeadParser(HeadRules(), TEMPLATE)
    ends = [bytes(each) for size in range(1, 7) for each in product(b"a\r\n", repeat=size)]

    for data in (b"GET / HTTP/1.1\r\nX: y" + end for end in ends):
        at_once = parser.check_incomplete(IncompleteHead(data))
        assert END in data or (at_once is not None) is bool(rule.search(data))
        for arrived in range(1, len(data)):
            if rule.search(data[:arrived]) or END in data:
                continue
            head = IncompleteHead(data[:arrived])
            assert parser.check_incomplete(head) is None
            head.add(data[arrived:])
            refused = parser.check_incomplete(head)
            assert (refused is not None) is bool(rule.search(data))


@pytest.mark.parametrize(
    ("data", "needed", "status"),
    [
        (b"\x16\x03\x01", 1, b"400"),
        (b"GET /\r\nHost: h", len(b"GET /\r\n"), b"400"),
        (b"GET / HTTP/1.1\r\nHost: h\nX: y", len(b"GET / HTTP/1.1\r\nHost: h\n"), b"400"),
        (b"GET /" + b"a" * 200, 103, b"414"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70000, 100 + 65536 + 50 + 1, b"431"),
    ],
    ids=["no token", "no version", "bare LF", "long line", "large head"],
)
def test_a_fault_is_refused_with_the_byte_that_makes_it_one(data, needed, status):
    settings = {"limit_request_line": 100, "limit_request_field_size": 50}
    connection = driver.make_protocol(None, **settings).connect(("203.0.113.9", 5))

    assert feed_bytes(connection, data) == needed
    transport = driver.MemoryTransport()
    assert connection.state == READY
    assert connection.run(transport) == CLOSING
    assert transport.sent.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("end", ["expire", "fail", "input", "complete"])
def test_a_connection_releases_what_has_arrived_when_the_head_is_over(end):
    connection = driver.make_protocol(driver.Recorder()).connect(("203.0.113.9", 5))
    feed_bytes(connection, HEAD[:-1])
    assert bytes(connection._head.data) == HEAD[:-1]

    if end == "expire":
        connection.expire()
    elif end == "fail":
        connection.fail(MemoryError())
    else:
        connection.feed(b"" if end == "input" else b"\n")

    assert connection._head is None
    assert connection.state == (CLOSING if end == "input" else READY)


def test_a_timeout_logs_the_request_line_that_has_arrived():
    connection = driver.make_protocol(driver.Recorder()).connect(("203.0.113.9", 5))
    begun = []
    begin = connection.endpoint.worker.begin
    connection.endpoint.worker.begin = lambda label, name: begun.append(label) or begin(label)
    feed_bytes(connection, HEAD[:-1])

    connection.expire()
    connection.run(driver.MemoryTransport())

    assert begun == [b"GET /a HTTP/1.1"]


def test_what_follows_a_head_in_pieces_is_the_next_request():
    app = driver.Recorder()
    following = b"GET /b HTTP/1.1\r\nHost: h\r\n\r\n"

    transport, _ = driver.converse(
        driver.make_protocol(app), [HEAD[:7], HEAD[7:] + following[:5], following[5:]]
    )

    assert [each["PATH_INFO"] for each in app.environs] == ["/a", "/b"]
    assert transport.sent.count(b"200 OK") == 2
