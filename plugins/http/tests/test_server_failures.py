"""What the client gets when the server cannot take its request in."""

import errno
from http import HTTPStatus

import pytest
import support.corpus_driver as driver
from hookserve_http.error_page import PHRASES
from hookserve_http.protocol import HttpProtocol

from hookserve.protocol.seam import CLOSING, READY
from hookserve.testing.fakes import MemoryTransport

HEAD = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n"
CASES = [
    (OSError(errno.ENOSPC, "No space left on device"), b"507 Insufficient Storage"),
    (OSError(errno.EDQUOT, "Disk quota exceeded"), b"507 Insufficient Storage"),
    (OSError(errno.EMFILE, "Too many open files"), b"503 Service Unavailable"),
    (FileNotFoundError(errno.ENOENT, "no usable temporary directory"), b"503 Service Unavailable"),
    (MemoryError(), b"503 Service Unavailable"),
    (ValueError("a fault"), b"500 Internal Server Error"),
]


def application(environ, start_response):
    raise AssertionError("it must not run")


@pytest.fixture
def make(caplog):
    def make(error):
        protocol = driver.make_protocol(application, True)
        protocol.worker.log.parent = None
        protocol.worker.log.setLevel("ERROR")
        protocol.worker.log.addHandler(caplog.handler)

        def spool():
            raise error

        protocol.worker.spool = spool
        return protocol.connect(("192.0.2.1", 4000))

    return make


@pytest.mark.parametrize(("error", "status"), CASES, ids=lambda each: str(each)[:40])
def test_a_body_that_cannot_be_stored_is_refused_with_the_reason_in_the_log(
    make, caplog, error, status
):
    connection = make(error)
    transport = MemoryTransport()
    connection.feed(HEAD)
    with pytest.raises(type(error)):
        connection.feed(b"x" * 2_000_000)

    assert connection.fail(error) == READY
    assert connection.run(transport) == CLOSING

    assert transport.sent.startswith(b"HTTP/1.1 " + status)
    assert connection.lingers
    (record,) = caplog.records
    assert "192.0.2.1" in record.getMessage()
    assert (str(error.strerror) if isinstance(error, OSError) else "") in record.getMessage()


def test_the_reason_is_one_line_whatever_the_error_repeats_of_the_request(make, caplog):
    make(MemoryError()).fail(ValueError("of a client:\n[CRITICAL] \x1b[2J\u202eforged"))

    assert caplog.records[0].getMessage().isprintable()


def test_a_connection_that_is_closing_has_no_response_to_an_error(make):
    connection = make(MemoryError())
    connection.feed(b"")

    assert connection.fail(MemoryError()) == CLOSING


def test_the_phrases_are_those_of_http():
    renamed = {413, 414}  # by RFC 9110; Python says it either way, depending on its version

    for status in set(PHRASES) - renamed:
        assert HTTPStatus(status).phrase == PHRASES[status]


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (b"GET /x?y HTTP/1.1\r\nHost: h\r\n", "GET /x?y"),
        (b"GET /\x1b[31m HTTP/1.0\r\n", "GET /?[31m"),
        (b"GET /" + b"a" * 83, "GET /" + "a" * 83),
        (b"PING\0\0\0", "PING"),
    ],
)
def test_a_request_is_shown_as_method_and_target(label, shown):
    assert HttpProtocol.describe_request(label) == shown
