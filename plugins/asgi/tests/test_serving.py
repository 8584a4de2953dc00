"""ASGI over real sockets: bodies in both directions, clients that leave, and faults."""

import hashlib
import json
import socket
import struct
from contextlib import contextmanager
from pathlib import Path

import pytest

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request, wait_until_read

pytestmark = pytest.mark.process
HERE = Path(__file__).parent
MEGABYTE = 1 << 20


@contextmanager
def serving(*arguments, file=__file__, environ=None, **settings):
    """A server of the application that chooses the worker model by itself."""
    variables = {"ASGI_FILE": str(file), **(environ or {})}
    with serve(
        "application:application",
        worker="asyncio",
        settings=settings,
        arguments=arguments,
        chdir=HERE,
        environ=variables,
    ) as server:
        yield server


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "large"
    path.write_bytes(bytes(range(256)) * 16 * 1024)
    return path


@pytest.fixture(scope="module")
def server(file):
    with serving(file=file) as server:
        yield server


def connect(server, **options):
    return Client(server.address, **options)


def events(server):
    return json.loads(ask(server.address, "/events").body)


def reset(client):
    """Close so that the server gets a reset."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


# Bodies.


def test_both_directions_alternate(server):
    with connect(server) as client:
        client.send(request("/echo", "Transfer-Encoding: chunked\r\n", "POST"))
        received = b""
        for number in range(5):
            client.send(b"1\r\n%d\r\n" % number)
            while not received.endswith(b"1\r\n%d\r\n" % number):
                received += client.socket.recv(1000)
        client.send(b"0\r\n\r\n")
        assert client.socket.recv(100) == b"0\r\n\r\n"


def test_a_large_upload_is_received_in_parts(server):
    body = bytes(range(256)) * 4096 * 30
    before = json.loads(ask(server.address, "/digest", b"x").body)[3]

    size, digest, parts, most = json.loads(ask(server.address, "/digest", body).body)

    assert (size, digest) == (len(body), hashlib.sha256(body).hexdigest())
    assert parts > 50
    assert most - before < 8 * 1024  # KiB


def test_a_slow_reader_of_a_large_response_costs_little_memory(server):
    with connect(server, receive_buffer=65536) as client:
        before = json.loads(ask(server.address, "/digest", b"x").body)[3]
        client.send(request("/stream/640"))
        assert client.socket.recv(10)
        assert ask(server.address, "/").status == 200  # others are served meanwhile
        client._unread = b"HTTP/1.1 2"
        response = client.read()

    body, _, most = response.body.rpartition(b"|")
    assert len(body) == 40 * MEGABYTE
    assert int(most) - before < 8 * 1024  # KiB


@pytest.mark.parametrize("argument", ["", "/later"])
def test_a_path_is_sent_by_the_kernel(server, file, argument):
    with connect(server, receive_buffer=65536) as client:
        response = client.ask(request(f"/path{argument}"))
        assert response.body == file.read_bytes()
        assert client.ask(request("/")).status == 200


def test_pipelined_requests_have_responses_in_their_order(server):
    with connect(server) as client:
        client.send(request("/sleep/0.05") + request("/nothing") + request("/"))
        assert [client.read().status for _ in range(2)] == [200, 500]


def test_continue(server):
    with connect(server) as client:
        client.send(request("/digest", "Expect: 100-continue\r\nContent-Length: 5\r\n", "POST"))
        assert client.read().status == 100
        client.send(b"hello")
        assert json.loads(client.read().body)[0] == 5


def test_head_and_http_1_0(server):
    with connect(server) as client:
        client.send(request("/", method="HEAD"))
        assert client.read(is_bodiless=True).status == 200
        client.send(b"GET /stream/1 HTTP/1.0\r\n\r\n")
        assert client.read_to_end().partition(b"\r\n\r\n")[2].startswith(b"0123456789abcdef")


def test_an_invalid_chunk(server):
    with connect(server) as client:
        client.send(request("/digest", "Transfer-Encoding: chunked\r\n", "POST") + b"1\r\nx\r\n")
        client.send(b"?\r\n")
        assert client.read().status == 400


@pytest.mark.parametrize("rate", [0, 1000])
def test_a_slow_body(rate):
    with serving(body_timeout=0.3, body_rate=rate) as server, connect(server) as client:
        client.send(request("/digest", "Content-Length: 5000\r\n", "POST"))
        client.socket.settimeout(0.1)
        while rate:  # a byte now and then is progress, and not enough
            try:
                client.send(b"x")
                client._more()
                break
            except TimeoutError:
                pass
        client.socket.settimeout(5)
        assert client.read().status == 408


# Clients that leave.


@pytest.mark.parametrize("leave", [reset, lambda client: client.socket.close()])
@pytest.mark.parametrize(
    ("how", "last"), [("receive", "http.disconnect"), ("send", "OSError"), ("sleep", "OSError")]
)
def test_a_client_leaves(server, how, last, leave):
    before = len(events(server))
    client = connect(server, receive_buffer=4096)
    client.send(request(f"/watch/{how}"))
    wait_until(lambda: f"watch {how}" in events(server)[before:])
    leave(client)

    wait_until(lambda: len(events(server)) == before + 2)
    end = events(server)[-1]
    # A client that has closed in the usual way is not known to be gone before something is sent.
    assert end == last or (how == "sleep" and end == "slept on")


def test_a_client_that_half_closes_gets_its_response(server):
    with connect(server) as client:
        client.send(request("/sleep/0.1"))
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read().status == 200


def test_a_request_that_follows_a_body_is_served_though_the_client_half_closes(server):
    with connect(server) as client:
        client.send(request("/sleep/0.1", method="POST", body=b"body") + request())
        client.socket.shutdown(socket.SHUT_WR)

        assert [client.read().status, client.read().status] == [200, 200]
        assert client.read_to_end() == b""


# Faults.


@pytest.mark.parametrize("argument", ["", "/later", "/exit"])
def test_an_exception_is_an_error_page(server, argument):
    before = ask(server.address, "/").body

    assert ask(server.address, f"/fail{argument}").status == 500
    assert ask(server.address, "/").body == before  # the worker is the same


def test_a_request_over_its_time():
    with serving(request_timeout=0.2) as server:
        assert ask(server.address, "/forever").status == 503
        assert "GET /forever: request_timeout (0.2 s)" in server.log
        assert events(server) == ["cancelled"]


# Startup and shutdown.


def test_state_of_the_lifespan(server):
    assert json.loads(ask(server.address, "/scope").body)["state"] == {"greeting": "hello"}


def test_a_startup_that_fails_fails_the_boot():
    with serve(
        "application:application",
        worker="asyncio",
        chdir=HERE,
        environ={"ASGI_STARTUP": "fails"},
        wait=False,
    ) as server:
        assert server.wait() != 0
        assert "the application's startup failed: no database" in server.log


def test_the_shutdown_comes_after_the_last_request(tmp_path):
    file = tmp_path / "log"
    with serving(file=file) as server:
        with connect(server) as client:
            client.send(request("/sleep/0.3"))
            wait_until_read([client])
            server.signal(15)
            assert client.read().status == 200
        assert server.wait() == 0
    assert json.loads(file.with_suffix(".shutdown").read_text()) == ["slept"]


def test_work_after_the_response_is_waited_for(tmp_path):
    file = tmp_path / "log"
    with serving(file=file) as server:
        with connect(server) as client:
            assert client.ask(request("/background/0.3")).body == b"soon"
            assert client.ask(request("/")).status == 200
        assert server.stop() == 0
    assert json.loads(file.with_suffix(".shutdown").read_text()) == ["background"]


@pytest.mark.parametrize("path", ["/forever", "/forever/stubborn"])
def test_what_does_not_end_is_ended(path):
    with serving(graceful_timeout=0.5) as server, connect(server) as client:
        client.send(request(path))
        wait_until_read([client])
        server.signal(15)
        assert server.wait() == 0
        if path == "/forever":
            assert client.read().status == 503
            assert "GET /forever: the worker ends" in server.log


def test_a_stream_of_events_is_told_to_go():
    with serving(graceful_timeout=30) as server, connect(server) as client:
        client.send(request("/subscribe"))
        wait_until_read([client])
        server.signal(15)
        assert b"data: end" in client.read().body
        assert server.wait() == 0
