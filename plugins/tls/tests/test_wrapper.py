"""TLS around HTTP, in memory."""

import re
import ssl
from types import SimpleNamespace

import pytest
import support.corpus_driver as driver
import trustme
from hookserve_tls.connection_info import _name
from hookserve_tls.wrapper import TlsProtocol

from hookserve.protocol.seam import CLOSING, IDLE, READING_BODY, READING_HEAD, READY

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
AUTHORITY = trustme.CA()


@pytest.fixture(scope="module")
def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("x.example").configure_cert(context)
    return context


class Wire:
    """A client and a wrapped connection, with the bytes of one carried to the other."""

    def __init__(self, server_context, app=None, buffered=False, size=100_000, version=None):
        self.app = app or driver.Recorder()
        self.inner = driver.make_protocol(self.app, buffered)
        protocol = TlsProtocol(self.inner, server_context)
        self.connection = protocol.connect(("203.0.113.9", 50000))
        context = ssl.create_default_context()
        AUTHORITY.configure_trust(context)
        if version:
            context.maximum_version = version
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname="x.example")
        self.transport = driver.MemoryTransport()
        self.size = size
        self.states = []
        self.answer = b""
        self.is_ended = False

    def shake_hands(self):
        while True:
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                self.carry()
            else:
                self.carry()
                return self

    def send(self, data):
        self.client.write(data)
        self.carry()

    def carry(self):
        """What the client has sent, in pieces, and the response."""
        data = self.outgoing.read()
        pieces = [data[at : at + self.size] for at in range(0, len(data), self.size)]
        while pieces:
            self.feed(pieces.pop(0), pieces)
        self.take_answer()

    def feed(self, piece, pieces=()):
        state = self.connection.feed(piece)
        if state == READING_BODY:
            self.transport.sent += self.connection.interim()
        self.states.append(state)
        while state == READY:
            self.transport.pieces = pieces if isinstance(pieces, list) else list(pieces)
            state = self.connection.run(self.transport)
            self.states.append(state)

    def take_answer(self):
        """Read what has come, and notice close_notify."""
        self.incoming.write(self.transport.sent)
        self.transport.sent = b""
        try:
            while data := self.client.read(65536):
                self.answer += data
            self.is_ended = True
        except ssl.SSLWantReadError:
            pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_protocol_is_called_before_each_part_of_a_handshake_is_sent(
    server_context, monkeypatch, version
):
    wire = Wire(server_context, version=version)
    calls = []
    monkeypatch.setattr(
        type(wire.connection.inner),
        "note_wait",
        lambda _, transport: calls.append((transport, bytes(transport.sent))),
    )

    wire.shake_hands()
    wire.send(REQUEST)
    wire.send(REQUEST)

    assert calls == [(wire.transport, b"")] * 2  # with 1.3 the second one has session tickets


@pytest.fixture(params=[1, 7, 100_000], ids=lambda size: f"{size} bytes a piece")
def size(request):
    return request.param


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_conversation_in_pieces_of_any_size(server_context, size, version):
    wire = Wire(server_context, size=size, version=version).shake_hands()
    assert wire.connection.state == READING_HEAD

    wire.send(REQUEST)
    assert wire.connection.state == IDLE
    wire.send(REQUEST * 3)

    assert wire.answer.count(b"HTTP/1.1 200 OK") == 4
    assert wire.app.environs[3]["SSL_PROTOCOL"] == version.name.replace("_", ".")
    assert wire.connection.state == IDLE


@pytest.mark.parametrize("buffered", [False, True])
def test_a_body_is_received_while_it_is_read_or_before(server_context, size, buffered):
    wire = Wire(server_context, buffered=buffered, size=size).shake_hands()

    wire.send(
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + b"x" * 50_000 + REQUEST
    )

    assert wire.app.bodies == [b"x" * 50_000, b""]
    assert (READING_BODY in wire.states) is (buffered and size < 50_000)


def test_a_response_of_many_records_arrives(server_context):
    def large(environ, start_response):
        start_response("200 OK", [])
        return [b"y" * 3_000_000]

    wire = Wire(server_context, app=large).shake_hands()

    wire.send(REQUEST)

    assert wire.answer.endswith(b"\r\n\r\n" + b"y" * 3_000_000)


def test_what_follows_a_response_that_ends_the_connection_is_close_notify(server_context):
    """RFC 8446, 6.1."""
    wire = Wire(server_context).shake_hands()

    wire.send(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert wire.connection.state == CLOSING
    assert wire.is_ended


def test_a_client_that_says_goodbye_is_not_waited_for(server_context):
    wire = Wire(server_context).shake_hands()
    wire.send(REQUEST)
    with pytest.raises(ssl.SSLWantReadError):
        wire.client.unwrap()

    wire.carry()

    assert wire.connection.state == CLOSING


def test_a_client_that_closes_without_close_notify_has_got_its_response(server_context):
    """RFC 9112, 9.8: its end of TLS may be incomplete."""
    wire = Wire(server_context).shake_hands()
    wire.send(REQUEST)

    wire.feed(b"")

    assert wire.answer.startswith(b"HTTP/1.1 200 OK")
    assert wire.connection.state == CLOSING


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_a_client_without_tls_gets_a_whole_response(server_context, method):
    connection = Wire(server_context).connection
    transport = driver.MemoryTransport()

    connection.feed(REQUEST.replace(b"GET", method))
    connection.run(transport)

    head, _, body = transport.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert re.search(rb"\r\nDate: [A-Z][a-z]{2}, [0-9: A-Za-z]{20} GMT\r\n", head)
    assert b"Content-Length: 49\r\n" in head
    assert len(body) == (49 if method == b"GET" else 0)
    assert connection.lingers


def test_a_broken_record_ends_the_connection_with_an_alert(server_context):
    wire = Wire(server_context).shake_hands()

    wire.feed(b"\x17\x03\x03\x00\x20" + bytes(32))

    assert wire.connection.state == CLOSING
    assert wire.connection.lingers
    with pytest.raises(ssl.SSLError, match="ALERT"):
        wire.take_answer()


RECORDS = {
    "too long": b"\x17\x03\x03\xff\xff" + bytes(100),
    "of no type": b"\x63\x03\x03\x00\x02ab",
    "of another version": b"\x17\x00\x00\x00\x02ab",
    "an alert of no kind": b"\x15\x03\x03\x00\x02\xff\xff",
    "a second handshake": b"\x16\x03\x03\x00\x04\x01\x00\x00\x00",
    "a change of ciphers": b"\x14\x03\x03\x00\x01\x02",
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_that_must_not_come_ends_the_connection(server_context, name):
    wire = Wire(server_context).shake_hands()

    state = wire.connection.feed(RECORDS[name])
    if state == READY:
        state = wire.connection.run(wire.transport)

    assert state == CLOSING


def test_a_broken_connection_disturbs_no_other_of_its_context(server_context):
    good, bad = Wire(server_context).shake_hands(), Wire(server_context).shake_hands()

    bad.feed(b"\x17\x03\x03\x00\x20" + bytes(32))
    good.send(REQUEST)

    assert bad.connection.state == CLOSING
    assert good.connection.state == IDLE
    assert good.answer.startswith(b"HTTP/1.1 200 ")


def test_an_idle_client_gets_close_notify(server_context):
    wire = Wire(server_context).shake_hands()
    wire.send(REQUEST)

    assert wire.connection.expire() == READY
    assert wire.connection.run(wire.transport) == CLOSING
    wire.take_answer()
    assert wire.is_ended


def test_a_head_that_is_late_is_answered_within_tls(server_context):
    wire = Wire(server_context).shake_hands()
    wire.send(REQUEST[:10])

    assert wire.connection.expire() == READY
    wire.connection.run(wire.transport)
    wire.take_answer()

    assert wire.answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"], ids=["nothing", "a part of a hello"])
def test_a_handshake_that_is_late_closes_the_connection(server_context, sent):
    wire = Wire(server_context)
    if sent:
        assert wire.connection.feed(sent) == READING_HEAD

    assert wire.connection.expire() == CLOSING


def test_nothing_is_sent_after_the_client_has_gone(server_context):
    """A client that has timed out must not be waited for again."""
    wire = Wire(server_context).shake_hands()
    calls = []

    def send(*buffers):
        calls.append(buffers)
        raise BrokenPipeError

    transport = SimpleNamespace(send=send, may_persist=lambda: True)
    wire.client.write(REQUEST)
    wire.connection.feed(wire.outgoing.read())

    assert wire.connection.run(transport) == CLOSING
    assert len(calls) == 1


def test_a_name_is_written_as_rfc_4514_wants_it():
    subject = ((("countryName", "DE"),), (("commonName", ' #a,b+"c\\<d>;'),))

    assert _name(subject) == r"CN=\ #a\,b\+\"c\\\<d\>\;,C=DE"
