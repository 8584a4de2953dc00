"""The socket that an application gets of a connection with TLS."""

import hashlib
import os
import select
import socket
import ssl
import threading

import pytest
import trustme
from hookserve_tls.lent import TlsSocket

from hookserve.testing import serve

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost", "127.0.0.1")


def contexts():
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(server)
    client = ssl.create_default_context()
    AUTHORITY.configure_trust(client)
    return server, client


def shake_hands(connected, tls, incoming, outgoing):
    """The server's side, as the worker has done it before the take-over."""
    while True:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            connected.sendall(outgoing.read())
            incoming.write(connected.recv(65536))
        else:
            connected.sendall(outgoing.read())
            return


@pytest.fixture
def pair():
    """The client's socket, and the application's."""
    server, client = contexts()
    near, far = socket.socketpair()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.wrap_bio(incoming, outgoing, server_side=True)
    thread = threading.Thread(target=shake_hands, args=(near, tls, incoming, outgoing))
    thread.start()
    far.settimeout(10)
    connected = client.wrap_socket(far, server_hostname="localhost")
    thread.join(10)
    lent = TlsSocket(near.family, near.type, near.proto, fileno=near.detach())
    lent.settimeout(10)
    lent.begin(tls, incoming, outgoing, b"early")
    with connected, lent:
        yield connected, lent


def receive(connected, size):
    data = b""
    while len(data) < size and (more := connected.recv(65536)):
        data += more
    return data


def exchange(connected, data):
    """Send all of it and receive as much, in one thread: two may not use one `SSLSocket`."""
    connected.setblocking(False)
    unsent, received = memoryview(data), bytearray()
    while unsent or len(received) < len(data):
        try:
            unsent = unsent[connected.send(unsent[:65536]) :] if unsent else unsent
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        try:
            received += connected.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            if unsent or len(received) < len(data):
                select.select([connected], [connected] if unsent else [], [], 10)
    return bytes(received)


def test_what_was_decrypted_before_is_received_first(pair):
    client, lent = pair
    client.sendall(b" and late")

    assert [lent.recv(3), lent.recv(100), lent.recv(100)] == [b"ear", b"ly", b" and late"]


def test_much_goes_both_ways_at_once(pair):
    client, lent = pair
    data = os.urandom(1_000_000)
    found = []
    lent.recv(5)
    threads = [
        threading.Thread(target=lambda: found.append(exchange(client, data))),
        threading.Thread(target=lambda: found.append(receive(lent, len(data)))),
    ]
    for thread in threads:
        thread.start()

    assert lent.send(data) == len(data)

    for thread in threads:
        thread.join(20)
    assert [hashlib.sha256(each).digest() for each in found] == [hashlib.sha256(data).digest()] * 2


def test_a_file_of_it_reads_lines(pair):
    client, lent = pair
    client.sendall(b" line\nnext\n")

    with lent.makefile("rb") as file:
        assert [file.readline(), file.readline()] == [b"early line\n", b"next\n"]


def test_a_close_is_announced(pair):
    client, lent = pair

    lent.close()

    assert client.recv(10) == b"", "and no SSLEOFError"


def test_the_end_of_the_client_is_the_end(pair):
    client, lent = pair
    lent.recv(5)
    client.shutdown(socket.SHUT_WR)

    assert lent.recv(10) == b""


def test_it_says_what_ssl_sockets_say(pair):
    client, lent = pair

    assert lent.version() == client.version()
    assert lent.cipher()[0] == client.cipher()[0]
    assert lent.getpeercert() is None
    assert lent.selected_alpn_protocol() is None
    assert lent.pending() == 5


def test_flags_are_refused(pair):
    with pytest.raises(ValueError, match="flags are not for"):
        pair[1].recv(5, socket.MSG_PEEK)


def shouting(environ, start_response):
    """Speaks in capitals until the client has sent its last byte."""
    with environ["hookserve.take_over"]() as client:
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        while data := client.recv(4096):
            client.sendall(data.upper())
    return []


@pytest.mark.process
@pytest.mark.parametrize("proxied", [False, True], ids=["plain", "PROXY protocol"])
def test_an_application_takes_over_a_connection_with_tls(tmp_path, proxied):
    path = tmp_path / "both.pem"
    CERTIFICATE.private_key_and_cert_chain_pem.write_to_path(path)
    settings = {"certfile": path} | ({"proxy_protocol": "auto"} if proxied else {})
    with serve(shouting, worker="gthread", settings=settings) as server:
        connected = socket.create_connection(server.address, timeout=10)
        if proxied:
            connected.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")
        with contexts()[1].wrap_socket(connected, server_hostname="localhost") as client:
            request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
            client.sendall(request + b"early ")

            assert receive(client, 42).endswith(b"\r\n\r\nEARLY ")
            client.sendall(b"late")
            assert receive(client, 4) == b"LATE"
