"""HTTP as clients meet it: over sockets, through the sync worker."""

import os
import socket
import threading
import time

import httpx
import pytest
from support.everything import everything, validated
from support.sockets import read_to_end, talk

from hookserve.testing import serve, wait_until
from hookserve.testing.waiting import DEADLINE
from tests.support import web


@pytest.fixture(scope="module")
def served_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "file"
    path.write_bytes(os.urandom(3_000_000))
    return path


@pytest.fixture(scope="module")
def server(served_file):
    environ = {"SERVED_FILE": str(served_file)}
    settings = {
        "header_timeout": 1,
        "keepalive": 1,
        "limit_request_body": 20_000_000,
        "linger_timeout": 0.5,
    }
    with serve(everything, environ=environ, settings=settings) as running:
        yield running


def request(path, extra="", method="GET", version="HTTP/1.1"):
    return f"{method} {path} {version}\r\nHost: x\r\n{extra}\r\n".encode()


def test_a_generator_is_sent_in_chunks(server):
    answer = web.get(f"{server.url}/generator")

    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.text == "0\n1\n2\n"


def test_a_generator_closes_the_connection_of_http_1_0(server):
    answer = talk(server, request("/generator", version="HTTP/1.0"))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert b"Connection: close" in head
    assert body == b"0\n1\n2\n"


def test_what_is_written_comes_before_what_is_returned(server):
    assert web.get(f"{server.url}/write").text == "written, returned"


def test_a_body_is_echoed_whole_and_chunked(server):
    body = os.urandom(1_000_000)

    whole = web.post(f"{server.url}/echo", content=body)
    chunked = web.post(f"{server.url}/echo", content=iter([body[:100], body[100:]]))

    assert whole.content == body
    assert chunked.content == body


def test_a_file_is_sent_whole(server, served_file):
    answer = web.get(f"{server.url}/file")

    assert answer.content == served_file.read_bytes()
    assert answer.headers["content-length"] == "3000000"


def test_a_part_of_a_file_is_sent_from_where_it_stands(server, served_file):
    answer = web.get(f"{server.url}/range")

    assert answer.content == served_file.read_bytes()[1000:501000]


def test_head_has_the_length_and_no_body(server):
    answer = talk(server, request("/large", "Connection: close\r\n", method="HEAD"))

    assert b"Content-Length: 5000000" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_a_large_response_reaches_a_slow_reader(server):
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.sendall(request("/large", "Connection: close\r\n"))
        size = 0
        while data := client.recv(1 << 20):
            size += len(data)

    assert size > 5_000_000


def test_pipelined_requests_are_answered_in_order(server):
    answer = talk(
        server, request("/generator") + request("/") + request("/write", "Connection: close\r\n")
    )

    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.index(b"2\n") < answer.index(b"\r\n\r\nok") < answer.index(b"written, ")


def test_a_connection_is_kept_and_used_again(server):
    with web.Client() as client:
        ports = set()
        for _ in range(5):
            answer = client.get(server.url)
            stream = answer.extensions["network_stream"]
            ports.add(stream.get_extra_info("client_addr"))

    assert len(ports) == 1


@pytest.mark.serial
def test_keep_alive_ends_where_a_client_waits():
    with serve(everything) as server:
        with socket.create_connection(server.address, timeout=DEADLINE) as slow:
            slow.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
            kept = socket.create_connection(server.address, timeout=DEADLINE)
            slow.sendall(b"x")

            answer = slow.recv(65536)

            assert b"200 OK" in answer
            assert b"Connection: close" in answer
            kept.close()


def test_100_continue_is_sent_when_the_application_reads(server):
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        client.sendall(request("/echo", "Expect: 100-continue\r\nContent-Length: 5\r\n", "POST"))
        interim = client.recv(65536)
        client.sendall(b"hello")

        assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert client.recv(65536).endswith(b"hello")


def test_an_unread_body_does_not_become_the_next_request(server):
    body = b"GET /raise HTTP/1.1\r\n\r\n"
    answer = talk(
        server,
        request("/unread", f"Content-Length: {len(body)}\r\n", "POST") + body,
        request("/", "Connection: close\r\n"),
    )

    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b"500" not in answer


def test_a_body_over_the_limit_is_refused(server):
    answer = talk(server, request("/echo", "Content-Length: 20000001\r\n", "POST"))

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_over_the_limit_is_refused(server):
    head = request("/digest", "Transfer-Encoding: chunked\r\n", "POST")
    answer = talk(server, head + b"2000000\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_response_that_is_too_short_closes_the_connection(server):
    answer = talk(server, request("/short"))

    assert answer.endswith(b"short")


def test_a_response_that_is_too_long_is_cut_off(server):
    answer = talk(server, request("/long", "Connection: close\r\n"))

    assert answer.endswith(b"\r\n\r\n12345")


@pytest.mark.parametrize("path", ["/raise", "/none", "/inject", "/status/abc", "/status/99"])
def test_a_broken_application_is_a_500_that_tells_nothing(server, path):
    answer = web.get(f"{server.url}{path}")

    assert answer.status_code == 500
    assert answer.text == "500 Internal Server Error\n"
    assert answer.headers["connection"] == "close"


def test_an_application_that_fails_late_cuts_the_response(server):
    answer = talk(server, request("/raise-late"))

    assert answer.endswith(b"\r\n\r\n12345")


@pytest.mark.parametrize(("code", "length"), [("204", None), ("304", None), ("200", b"0")])
def test_bodiless_responses_are_framed_as_they_must_be(server, code, length):
    answer = talk(server, request(f"/status/{code}", "Connection: close\r\n"))

    assert (b"Content-Length: 0" in answer) == (length is not None)
    assert b"Transfer-Encoding" not in answer


def test_a_silent_client_does_not_hold_up_the_others(server):
    with socket.create_connection(server.address), socket.create_connection(server.address) as half:
        half.sendall(b"GET / HTTP/1.1\r\nHo")

        began = time.monotonic()
        answer = web.get(server.url)

        assert answer.status_code == 200
        assert time.monotonic() - began < 0.5


def test_half_a_head_is_answered_with_408_and_silence_with_nothing(server):
    half = talk(server, b"GET / HTTP/1.1\r\nHo")
    silent = talk(server)

    assert half.startswith(b"HTTP/1.1 408 ")
    assert silent == b""


def test_a_client_that_half_closes_gets_its_answer(server):
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        client.sendall(request("/generator"))
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client).endswith(b"0\r\n\r\n")


def test_a_client_that_disconnects_disturbs_no_other(server):
    assert web.get(server.url).text == "ok"
    (pid,) = server.workers().values()
    before = len(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(20):
        client = socket.create_connection(server.address)
        client.sendall(request("/large"))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()

    assert web.get(server.url).text == "ok"
    wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= before)


def test_a_refusal_is_not_overtaken_by_a_reset(server):
    """W10: the server half-closes and drains, so that the client reads the whole answer."""
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        client.sendall(request("/echo", "Content-Length: 30000000\r\n", "POST"))
        try:
            for _ in range(50):
                client.sendall(b"x" * 65536)
        except OSError:
            pass
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_lingering_clients_delay_no_other(server):
    """W10: a client that does not close its side costs nothing but a descriptor."""
    clients = []
    for _ in range(5):
        client = socket.create_connection(server.address, timeout=DEADLINE)
        client.sendall(b"GARBAGE\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")
        clients.append(client)

    began = time.monotonic()
    answer = web.get(server.url)

    assert answer.status_code == 200
    assert time.monotonic() - began < 0.4
    for client in clients:
        client.close()


def test_the_application_passes_the_validator():
    with serve(validated) as server:
        assert web.get(server.url).text == "empty"
        assert web.post(server.url, content=b"12345").text == "12345"
        assert "AssertionError" not in server.log


def test_too_many_connections_close_the_idle_ones_first():
    with serve(everything, settings={"worker_connections": 5}) as server:
        kept = [socket.create_connection(server.address) for _ in range(5)]
        for client in kept:
            client.sendall(request("/"))
            assert b"200 OK" in client.recv(65536)
            client.settimeout(DEADLINE)

        began = time.monotonic()
        answer = web.get(server.url, timeout=DEADLINE)

        assert answer.status_code == 200
        assert time.monotonic() - began < 2
        for client in kept:
            client.close()


def test_a_unix_socket_is_served(tmp_path):
    path = tmp_path / "socket"
    bind = f"unix:{path}?mode=0600"
    with serve(everything, bind=bind) as server:
        transport = httpx.HTTPTransport(uds=str(path))
        with web.Client(transport=transport) as client:
            assert client.get("http://x/").text == "ok"
        assert path.stat().st_mode & 0o777 == 0o600

        server.stop()

        assert not path.exists()


def test_several_addresses_are_served(tmp_path):
    path = tmp_path / "socket"
    with serve(everything, arguments=["-b", f"unix:{path}", "-b", "[::1]:0"]) as server:
        addresses = server.wait_for("listening")["addresses"]
        port = addresses[2].rpartition(":")[2]

        assert web.get(f"http://[::1]:{port}/").text == "ok"
        assert web.get(server.url).text == "ok"


@pytest.mark.parametrize(
    "data", [b"\x16\x03\x01\x00\x47", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-a\r\n"]
)
def test_connections_of_another_protocol_leave_no_descriptor_behind(server, data):
    assert web.get(server.url).text == "ok"
    (pid,) = server.workers().values()
    before = len(os.listdir(f"/proc/{pid}/fd"))

    for _ in range(30):
        talk(server, data)

    wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= before)


def test_two_threads_of_requests_do_not_mix(server):
    failures = []

    def ask(word):
        with web.Client(timeout=DEADLINE) as client:
            for _ in range(100):
                if client.post(f"{server.url}/echo", content=word).content != word:
                    failures.append(word)

    threads = [threading.Thread(target=ask, args=[bytes([65 + n]) * 1000]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
