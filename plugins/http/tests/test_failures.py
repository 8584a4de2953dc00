"""Applications that fail and requests that are aborted harm no other request."""

import contextlib
import logging

import pytest
import support.corpus_driver as driver
from hookserve_http.protocol import HttpProtocol

from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, RequestCancelled

GET = b"GET /x?y HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345"
CANCELLED = RequestCancelled("request_timeout: cancelled after 3 s")


class Uncaught(BaseException):
    """As greenlets' exits and timeouts are: no Exception."""


class Kept(logging.Handler):
    """Keeps what is logged."""

    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


class Served:
    """One exchange with an application, and all that is known about it afterwards."""

    def __init__(self, app, data=GET, transport=None, **observers):
        self.worker = driver.make_worker(app)
        self.worker.log = logging.Logger("test")
        kept = Kept()
        self.worker.log.addHandler(kept)
        self.posts, self.records = [], []
        self.worker.post_request = (lambda worker, req, environ, resp: self.posts.append(resp),)
        self.worker.log_access = (self.records.append,)
        for name, observer in observers.items():
            setattr(self.worker, name, (observer,))
        protocol = HttpProtocol(self.worker, Endpoint("127.0.0.1", "80"), False)
        connection = protocol.connect(("203.0.113.9", 1))
        connection.feed(data)
        self.transport = transport or driver.MemoryTransport()
        self.state = connection.run(self.transport)
        self.sent = self.transport.sent
        self.logged = kept.records


def answering(result):
    def app(environ, start_response):
        start_response("200 OK", [])
        return result

    return app


def raising(error):
    def app(environ, start_response):
        raise error

    return app


BASES = [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), Uncaught()]


@pytest.mark.parametrize("error", BASES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["call", "first part", "close", "pre_request"])
def test_whatever_an_application_raises_fails_its_own_request_alone(error, where):
    body = driver.Body(
        [error] if where == "first part" else [], error if where == "close" else None
    )
    observers = {}
    if where == "pre_request":
        observers["pre_request"] = lambda worker, req, environ: raising(error)(None, None)

    served = Served(raising(error) if where == "call" else answering(body), **observers)

    assert served.state == CLOSING
    if where != "close":
        assert served.sent.startswith(b"HTTP/1.1 500 ")
        assert served.worker.ended[0][0] == 5
        assert served.records[0].status_code == 500
    assert body.closes == (1 if where in ("first part", "close") else 0)
    assert len(served.worker.ended) == len(served.posts) == len(served.records) == 1
    assert served.records[0].reason == f"the application failed: {type(error).__name__}"
    assert [record.levelno for record in served.logged] == [logging.ERROR]
    assert served.logged[0].exc_info[1] is error


def test_a_response_that_has_begun_is_cut_off():
    body = driver.Body([b"ok", SystemExit(3)])

    served = Served(answering(body))

    assert served.state == CLOSING
    assert served.sent.endswith(b"2\r\nok\r\n")
    assert served.worker.ended == [(2, 2)]
    assert body.closes == 1


@pytest.mark.parametrize("where", ["call", "first part", "reading the body"])
def test_a_request_that_is_cancelled_is_a_503(where):
    def reads(environ, start_response):
        environ["wsgi.input"].read()

    class Stuck(driver.MemoryTransport):
        def receive(self, size):
            raise CANCELLED

    body = driver.Body([CANCELLED])
    apps = {"call": raising(CANCELLED), "first part": answering(body), "reading the body": reads}

    served = Served(apps[where], POST, Stuck())

    assert served.state == CLOSING
    assert served.sent.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"Connection: close\r\n" in served.sent
    assert [(record.status_code, record.reason) for record in served.records] == [
        (503, str(CANCELLED))
    ]
    assert [record.levelno for record in served.logged] == [logging.WARNING]
    assert served.logged[0].exc_info is None
    assert served.logged[0].getMessage() == f"POST /x: {CANCELLED}"
    assert body.closes == (where == "first part")


def test_a_request_that_is_cancelled_while_it_is_answered_is_cut_off():
    served = Served(answering(driver.Body([b"ok", CANCELLED])))

    assert served.state == CLOSING
    assert b" 503 " not in served.sent
    assert [(record.status_code, record.reason) for record in served.records] == [
        (200, str(CANCELLED))
    ]


@pytest.mark.parametrize("error", [CANCELLED, Uncaught()])
def test_a_timer_that_fires_while_the_failure_is_logged_changes_nothing(error):
    class Late(driver.MemoryTransport):
        def send(self, *buffers):
            raise error

    assert Served(raising(ValueError("x")), transport=Late()).state == CLOSING
    assert Served(answering([b"ok"]), b"NONSENSE\r\n\r\n", Late()).state == CLOSING


def test_a_request_that_is_cancelled_while_it_is_observed_ends_its_connection():
    served = Served(answering([b"ok"]), log_access=lambda record: raising(CANCELLED)(None, None))

    assert served.state == CLOSING
    assert served.sent.endswith(b"ok")
    assert [record.levelno for record in served.logged] == [logging.WARNING]


def test_an_input_that_was_kept_reads_from_no_other_client():
    kept = []

    def app(environ, start_response):
        kept.append(environ["wsgi.input"])
        start_response("200 OK", [])
        return [b"ok"]

    head = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    protocol = driver.make_protocol(app)
    connection = protocol.connect(("203.0.113.9", 1))
    transport = driver.MemoryTransport([b"the next client's bytes"])
    connection.feed(head)
    connection.run(transport)

    before = transport.sent
    with pytest.raises(ConnectionError, match="is over"):
        kept[0].read()
    assert transport.sent == before
    assert transport.pieces == [b"the next client's bytes"]


def test_what_an_application_has_kept_reaches_no_other_client():
    kept = []

    def app(environ, start_response):
        kept.append(start_response("200 OK", []))
        kept.append(lambda data: environ["wsgi.early_hints"]([("Link", "x")]))
        return driver.Body([b"ok"])

    served = Served(app)

    for call in kept:
        with contextlib.suppress(AttributeError, TypeError):
            call(b"late")
    assert served.sent.endswith(b"0\r\n\r\n")
    assert b"late" not in served.transport.sent
    assert b"Early" not in served.transport.sent


@pytest.mark.parametrize("head", [GET, GET.replace(b"Host: h", b"Host: h\r\nConnection: close")])
def test_an_application_may_empty_its_environ(head):
    def app(environ, start_response):
        environ.clear()
        start_response("200 OK", [("Content-Length", "3")])
        return [b"ok"]

    served = Served(app, head)

    assert served.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert [each.getMessage() for each in served.logged] == [
        "/x?y: the body is 1 bytes short of its Content-Length"
    ]
    assert [record.status_code for record in served.records] == [200]


def test_an_application_that_empties_its_environ_and_fails_is_named():
    def app(environ, start_response):
        environ.clear()
        raise ValueError("wrong")

    served = Served(app)

    assert served.sent.startswith(b"HTTP/1.1 500 ")
    assert [each.getMessage() for each in served.logged] == ["error handling GET /x?y"]


def test_observers_of_an_emptied_environ_may_be_stopped():
    def stopped(*_):
        raise Uncaught("a timer")

    served = Served(lambda environ, start_response: environ.clear(), post_request=stopped)

    assert "/x?y: a hook was interrupted" in served.logged[-1].getMessage()
