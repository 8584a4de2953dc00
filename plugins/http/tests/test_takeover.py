"""A WSGI application takes its connection over, without sockets."""

from types import SimpleNamespace

import pytest
import support.corpus_driver as driver
from hookserve_http.protocol import HttpProtocol

from hookserve import hookimpl
from hookserve.launch.assembly import load_plugins
from hookserve.listeners.address import Endpoint
from hookserve.protocol.seam import CLOSING, IDLE

KEY = "hookserve.take_over"
FIELDS = "Host: h\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"


def request(method="GET", target="/", version="HTTP/1.1", fields=FIELDS, body=""):
    return f"{method} {target} {version}\r\n{fields}\r\n{body}".encode()


class Adapting:
    """A plugin that knows the entry by another name."""

    @hookimpl
    def takeover_adapters(self):
        return [lambda environ, take_over: environ.update({"other.socket": take_over})]


HOST = load_plugins([], {})
HOST.register(Adapting(), "adapting")


class LendingTransport(driver.MemoryTransport):
    """Notes what was taken over, and what is sent after that."""

    def __init__(self, *pieces):
        super().__init__(pieces)
        self.taken = []
        self.connection = None

    def take_over(self, received, on_leave):
        if self.taken:
            raise AssertionError("no method may be called after take_over")
        self.taken.append((received + self.connection.release(), on_leave))
        return "the socket"

    def send(self, *buffers):
        assert not self.taken, buffers
        super().send(*buffers)


class Served:
    """One request, and what became of it."""

    def __init__(self, app, data=None, awaited_body=0, **attributes):
        self.environ = None
        self.records = []
        self.logged = []

        def noting(environ, start_response):
            self.environ = environ
            return app(environ, start_response)

        worker = driver.make_worker(noting)
        worker.hands_over = attributes.pop("hands_over", True)
        worker.context = SimpleNamespace(host=HOST)
        worker.awaited_body = awaited_body
        worker.log_access = (self.records.append,)
        worker.log.error = lambda message, *arguments, **_: self.logged.append(message % arguments)
        for name, value in attributes.items():
            setattr(worker, name, value)
        self.transport = LendingTransport()
        protocol = HttpProtocol(worker, Endpoint("127.0.0.1", "8000"), False)
        self.connection = self.transport.connection = protocol.connect(("203.0.113.9", 1))
        self.connection.feed(data or request())
        self.state = self.connection.run(self.transport)


def plain(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def taking(environ, start_response):
    assert environ[KEY]() == "the socket"
    return []


@pytest.mark.parametrize(
    ("data", "is_there"),
    [
        (request(), True),
        (request(fields="Host: h\r\nConnection: keep-alive, upgrade\r\nUpgrade: x\r\n"), True),
        (request("CONNECT", "h:443", fields="Host: h:443\r\n"), True),
        (request(fields="Host: h\r\n"), False),
        (request(fields="Host: h\r\nConnection: close\r\n"), False),
        (request(fields="Host: h\r\nConnection: Upgrade\r\n"), False),
        (request(fields="Host: h\r\nUpgrade: echo\r\n"), False),
        (request(version="HTTP/1.0"), False),
    ],
)
def test_the_entry_is_there_where_the_client_asks_for_another_protocol(data, is_there):
    assert (KEY in Served(plain, data).environ) is is_there


@pytest.mark.parametrize("attributes", [{"hands_over": False}, {"interface": "asgi"}], ids=str)
def test_the_entry_is_not_there_where_nothing_can_be_taken_over(attributes):
    assert KEY not in Served(plain, **attributes).environ


def test_a_request_for_another_protocol_may_be_answered_as_any_other():
    served = Served(plain)

    assert served.transport.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert served.state == IDLE


def test_nothing_is_sent_after_a_take_over_and_the_connection_ends():
    served = Served(taking)

    assert served.state == CLOSING
    assert served.transport.sent == b""
    assert served.connection.endpoint.worker.ended == [(1, 0)]


def test_the_record_says_101_and_of_connect_200():
    (switched,) = Served(taking).records
    (connected,) = Served(taking, request("CONNECT", "h:443", fields="Host: h:443\r\n")).records

    assert [switched.status_code, connected.status_code] == [101, 200]
    assert switched.reason == connected.reason == ""


def test_what_has_arrived_behind_the_request_goes_with_it():
    served = Served(taking, request() + b"early")

    assert served.transport.taken == [(b"early", None)]


def test_what_has_arrived_behind_a_body_goes_with_it():
    fields = FIELDS + "Content-Length: 4\r\n"

    def app(environ, start_response):
        assert environ["wsgi.input"].read() == b"body"
        return taking(environ, start_response)

    whole = Served(app, request("POST", fields=fields, body="bodyearly"), awaited_body=65536)
    streamed = Served(app, request("POST", fields=fields, body="bodyearly"))

    assert whole.transport.taken == streamed.transport.taken == [(b"early", None)]


def test_a_body_that_has_not_arrived_must_be_read_first():
    errors = []

    def app(environ, start_response):
        try:
            environ[KEY]()
        except RuntimeError as error:
            errors.append(str(error))
        return plain(environ, start_response)

    served = Served(app, request("POST", fields=FIELDS + "Content-Length: 4\r\n", body="bo"))

    assert errors == ["the connection cannot be taken over before the body is read"]
    assert served.transport.sent.startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_application_is_told_by_its_own_function():
    def on_leave():
        pass

    def app(environ, start_response):
        environ[KEY](on_leave)
        return []

    assert Served(app).transport.taken == [(b"", on_leave)]


def test_a_connection_is_taken_over_once():
    def app(environ, start_response):
        take_over = environ[KEY]
        take_over()
        with pytest.raises(RuntimeError, match="response has begun"):
            take_over()
        assert KEY not in environ
        return []

    assert Served(app).logged == []


def test_a_connection_is_not_taken_over_after_the_response_has_begun():
    def app(environ, start_response):
        start_response("200 OK", [])(b"part")
        with pytest.raises(RuntimeError, match="response has begun"):
            environ[KEY]()
        return []

    served = Served(app)
    assert served.logged == []
    assert served.transport.taken == []


def test_a_connection_is_not_taken_over_after_the_request():
    served = Served(plain)

    with pytest.raises(RuntimeError):
        served.environ[KEY]()


def test_what_the_application_responds_afterwards_is_dropped():
    def app(environ, start_response):
        environ[KEY]()
        return plain(environ, start_response)

    served = Served(app)

    assert served.transport.sent == b""
    assert served.logged == []
    assert served.records[0].status_code == 200, "it says so itself"


def test_stop_iteration_ends_it_silently():
    """flask-sock has learned that from gunicorn."""

    def app(environ, start_response):
        environ[KEY]()
        raise StopIteration

    served = Served(app)

    assert served.logged == []
    assert served.records[0].reason == ""


def test_stop_iteration_of_another_request_is_an_error():
    def app(environ, start_response):
        raise StopIteration

    assert "error handling" in Served(app).logged[0]


def test_a_client_that_goes_away_is_no_error():
    def app(environ, start_response):
        environ[KEY]()
        raise ConnectionResetError("reset")

    served = Served(app)

    assert served.logged == []
    assert served.records[0].reason == "the client disconnected: reset"


def test_an_error_of_the_application_is_logged_and_nothing_is_sent():
    def app(environ, start_response):
        environ[KEY]()
        raise ValueError("x")

    served = Served(app)

    assert served.logged == ["error handling GET /"]
    assert served.transport.sent == b""
    assert served.state == CLOSING


def test_adapters_of_plugins_add_names_of_their_own():
    with_entry = Served(plain).environ
    without = Served(plain, request(fields="Host: h\r\n")).environ

    assert with_entry["other.socket"] == with_entry[KEY]
    assert "other.socket" not in without
