"""What the seam promises where a protocol or a transport overrides nothing."""

import inspect

import pytest

from hookserve.listeners.address import Endpoint
from hookserve.protocol import seam
from hookserve.protocol.seam import CLOSING, IDLE, READING_BODY, READING_HEAD, READY
from hookserve.testing.fakes import MemoryTransport, converse


class Line(seam.Connection):
    """Takes one line and returns it; the smallest protocol there is."""

    def __init__(self):
        self.state = IDLE
        self.lingers = False
        self._line = b""

    def feed(self, data):
        self._line += data
        if not data:
            self.state = CLOSING
        else:
            self.state = READY if self._line.endswith(b"\n") else READING_HEAD
        return self.state

    def run(self, transport):
        transport.send(self._line)
        self._line, self.state = b"", IDLE
        return IDLE

    def expire(self):
        self.state = CLOSING
        return CLOSING


class Lines(seam.Protocol):
    def connect(self, address):
        return Line()


class Pipe(seam.Transport):
    """A transport that has what it must."""

    def send(self, *buffers):
        pass

    def receive(self, size):
        return b""


@pytest.mark.parametrize(
    ("base", "required"),
    [
        (seam.Transport, {"send", "receive"}),
        (seam.Connection, {"feed", "run", "expire"}),
        (seam.Protocol, {"connect"}),
    ],
)
def test_what_must_be_defined_is_abstract_and_nothing_else(base, required):
    assert inspect.isabstract(base)
    assert base.__abstractmethods__ == required


def test_the_states_are_ordered_as_an_exchange_goes():
    # Protocols and the reactor compare them: `state < READY` waits for the client.
    assert IDLE < READING_HEAD < READING_BODY < READY < CLOSING


def test_an_exchange_is_run_at_ready_and_its_connection_goes_on():
    protocol = Lines(None, Endpoint("127.0.0.1", "8000"), buffered=True)

    transport, connection = converse(protocol, [b"one", b" line\n", b"another\n", b""])

    assert transport.sent == b"one line\nanother\n"
    assert connection.state == CLOSING


def test_a_protocol_holds_what_it_is_made_with():
    worker, local = object(), Endpoint("/run/shop.sock", "", unix=True)
    protocol = Lines(worker, local, buffered=False)

    assert (protocol.worker, protocol.local, protocol.buffered) == (worker, local, False)


def test_a_connection_that_has_failed_closes_and_has_nothing_to_send():
    connection = Line()

    assert connection.fail(MemoryError()) == CLOSING
    assert connection.interim() == b""
    assert connection.set_connection_info({"wsgi.url_scheme": "https"}) is None


def test_a_transport_that_cannot_send_files_says_so_before_anything_is_sent():
    transport = MemoryTransport()

    with pytest.raises(NotImplementedError):
        transport.send_file(0, 0, 10)

    assert transport.sent == b""


def test_a_transport_without_limits_lets_connections_persist():
    transport = Pipe()

    assert transport.may_persist()


def test_an_application_cannot_swallow_a_cancellation_with_its_errors():
    assert not issubclass(seam.RequestCancelled, Exception)
    assert str(seam.RequestCancelled("request_timeout of 5 s")) == "request_timeout of 5 s"


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        (b"GET /shop HTTP/1.1", "GET /shop HTTP/1.1"),
        (b"GET /shop\r\nHost: shop", "GET /shop"),
        (b"GET /\x1b[2Jshop\n\0\0", "GET /?[2Jshop?"),
        ("GET /caf\u00e9".encode()[:-1], "GET /caf\u00c3"),
        (b"", ""),
    ],
)
def test_a_label_is_shown_on_one_line_although_it_was_cut(label, shown):
    assert Lines.describe_request(label) == shown


def test_a_protocol_without_records_has_none_of_a_lost_request():
    assert Lines.lost_request_record(None, "killed", 10.0) is None
