"""Requests of every kind to an application of tornado's, over sockets."""

import asyncio
import hashlib
import json
import socket
from pathlib import Path

import pytest
import tornado.websocket

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request
from tests.support import web

pytestmark = pytest.mark.process
HERE = Path(__file__).parent
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LARGE = bytes(range(256)) * 20_000


def serving(worker="tornado", app="site_application:application", **options):
    """A server of the application."""
    return serve(app, worker=worker, chdir=HERE, **options)


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture
def client(server):
    with Client(server.address) as connected:
        yield connected


@pytest.fixture
def http(server):
    with web.Client(base_url=server.url) as connected:
        yield connected


def test_json_and_forms_arrive(http):
    assert http.post("/echo", json={"a": [1]}).json() == {"json": {"a": [1]}}
    assert http.post("/form", data={"a": ["1", "2"]}).json() == {"a": ["1", "2"], "file": []}
    answer = http.post("/form", data={"a": "1"}, files={"f": ("name", "text")})
    assert answer.json() == {"a": ["1"], "file": [["name", "text"]]}


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_is_streamed_to_its_handler(http, is_chunked):
    pieces = [LARGE[at : at + 50_000] for at in range(0, len(LARGE), 50_000)]
    content = iter(pieces) if is_chunked else LARGE

    answer = http.post("/upload", content=content).json()

    assert (answer["size"], answer["digest"]) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert answer["pieces"] > 1


def test_a_handler_that_refuses_in_its_preparation_reads_no_body(client):
    client.send(request("/upload?refuse=1", "Content-Length: 100000000\r\n", "POST"))

    assert client.read().status == 403
    assert client.read_to_end() == b""


def test_a_client_that_expects_to_be_asked_is(client):
    extra = "Expect: 100-continue\r\nContent-Length: 2\r\n"
    client.send(request("/echo", extra, "POST"))
    assert client.socket.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"{}")

    assert json.loads(client.read().text) == {"json": {}}


def test_an_upload_that_is_cut_off_is_known_to_its_handler(server, client):
    before = json.loads(ask(server.address, "/upload").text)["lost"]
    client.send(request("/upload", "Content-Length: 1000\r\n", "POST") + b"x")
    client.socket.close()

    wait_until(lambda: json.loads(ask(server.address, "/upload").text)["lost"] == before + 1)


def test_a_handler_of_pieces_that_fails_is_a_500_and_ends(server, client):
    client.send(request("/upload?fail=1", "Content-Length: 5\r\n", "POST") + b"x")

    assert client.read().status == 500
    assert ask(server.address).status == 200


def test_a_stream_is_chunked_and_the_connection_stays_open(client):
    for _ in range(2):
        response = client.ask(request("/chunks"))
        assert response.text == "0\n1\n2\n3\n4\n"
        assert not response.closes


def test_a_stream_to_an_old_client_ends_with_its_connection(client):
    client.send(b"GET /chunks HTTP/1.0\r\n\r\n")

    head, _, body = client.read_to_end().partition(b"\r\n\r\n")
    assert (b"chunked" in head.lower(), body) == (False, b"0\n1\n2\n3\n4\n")


def test_requests_follow_on_one_connection_pipelined_too(client):
    client.send(request() * 3)
    assert [client.read().text for _ in range(3)] == ["hello"] * 3
    client.send(request("/sleep/0.01") + request())
    assert [client.read().status for _ in range(2)] == [200, 200]


def test_a_handler_may_close_its_connection(client):
    assert client.ask(request("/close")).closes
    assert client.read_to_end() == b""


def test_head_has_a_length_and_no_body(client):
    client.send(request(method="HEAD"))
    response = client.read(is_bodiless=True)

    assert "\r\nContent-Length: 5" in response.head
    assert client.ask(request()).text == "hello"


def test_what_has_not_changed_is_304_without_a_body(http):
    tag = http.get("/").headers["etag"]

    answer = http.get("/", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.content) == (304, b"")
    assert http.get("/").text == "hello"


def test_a_file_is_sent_and_its_ranges(http):
    whole = http.get("/static/site_application.py").content
    answer = http.get("/static/site_application.py", headers={"Range": "bytes=3-9"})

    assert whole == (HERE / "site_application.py").read_bytes()
    assert (answer.status_code, answer.content) == (206, whole[3:10])


def test_exceptions_and_unknown_paths_are_tornados(http):
    assert http.get("/fail").status_code == 500
    assert http.get("/nowhere").status_code == 404
    assert http.post("/").status_code == 405


def test_a_header_that_cannot_be_sent_is_a_500(server, client):
    assert client.ask(request("/header")).status == 500
    assert "invalid header name 'X bad'" in server.log


def test_a_form_that_cannot_be_read_is_a_400(http):
    headers = {"Content-Type": "multipart/form-data"}
    assert http.post("/form", content=b"x", headers=headers).status_code == 400


def test_the_client_is_known_to_the_handler(http):
    answer = http.get("/client", headers=[("X-Twice", "1"), ("X-Twice", "2")])

    assert answer.json() == {
        "ip": "127.0.0.1",
        "protocol": "http",
        "host": answer.request.headers["host"],
        "path": "/client",
        "context": ["127.0.0.1", "http", "127.0.0.1"],
        "twice": ["1", "2"],
    }


def test_an_absolute_target_is_its_path(client):
    client.send(b"GET http://else.where/client?a=1 HTTP/1.1\r\nHost: h\r\n\r\n")
    found = json.loads(client.read().text)

    assert (found["path"], found["host"]) == ("/client", "else.where")


def test_an_event_stream_ends_when_its_client_leaves(server, client):
    before = int(ask(server.address, "/left").text)
    client.send(request("/events"))
    while b"tick" not in client.socket.recv(1000):
        pass
    client.socket.close()

    wait_until(lambda: int(ask(server.address, "/left").text) == before + 1)


def test_a_client_that_has_shut_down_its_half_gets_its_response(client):
    client.send(request("/sleep/0.05"))
    client.socket.shutdown(socket.SHUT_WR)

    assert client.read().status == 200


def test_flush_waits_for_a_reader(server):
    with Client(server.address, receive_buffer=4096) as client:
        client.send(request("/flood"))
        client.socket.recv(1)
        counts = []

        def stands():
            counts.append(ask(server.address, "/written").text)
            return len(counts) > 3 and len(set(counts[-4:])) == 1

        wait_until(stands)
        assert int(counts[-1]) < 900


async def connect(server, path="/socket", **options):
    url = f"ws://{server.address[0]}:{server.address[1]}{path}"
    return await tornado.websocket.websocket_connect(url, **options)


@pytest.mark.parametrize("compression", [None, {}])
def test_a_websocket_echoes_text_and_bytes(server, compression):
    async def talk():
        options = {"compression_options": compression, "subprotocols": ["chat"]}
        connection = await connect(server, **options)
        received = []
        for message in ("text", b"\0\xff", "x" * 500_000, "sleep", "last"):
            await connection.write_message(message, binary=isinstance(message, bytes))
            received.append(await connection.read_message())
        chosen = connection.selected_subprotocol
        connection.close(4000)
        await connection.read_message()
        return chosen, received

    chosen, received = asyncio.run(talk())

    assert chosen == "chat"
    assert received == ["text", b"\0\xff", "x" * 500_000, "sleep", "last"]
    wait_until(lambda: 4000 in json.loads(ask(server.address, "/closed").text)["closed"])


def test_frames_that_come_with_the_handshake_are_not_lost(client):
    client.send(request("/socket", UPGRADE) + b"\x81\x82\0\0\0\0hi")
    data = b""
    while not data.endswith(b"\r\n\r\n\x81\x02hi"):
        data += client.socket.recv(1000)

    assert data.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-Websocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in data


def test_a_websocket_has_the_id_of_its_request():
    settings = {"request_id": "X-Request-ID"}
    with serving(settings=settings) as found, Client(found.address) as client:
        client.send(request("/socket", f"{UPGRADE}X-Request-ID: a-1\r\n"))

        head = client.read(is_bodiless=True).head

        assert head.startswith("HTTP/1.1 101 ")
        assert head.count("\r\nX-Request-ID: a-1") == 1


def test_a_request_without_a_handshake_is_refused_by_tornado(http):
    assert http.get("/socket").status_code == 400


def test_a_websocket_whose_client_vanishes_is_closed(server, client):
    def count():
        return json.loads(ask(server.address, "/closed").text)["closed"].count(None)

    before = count()
    client.send(request("/socket", UPGRADE))
    client.read(is_bodiless=True)
    client.socket.close()

    wait_until(lambda: count() == before + 1)


def test_a_handler_may_take_its_connection_over(client):
    client.send(request("/tunnel"))
    client.send(b"line\n")

    assert client.read_to_end() == b"HTTP/1.1 200 Connected\r\n\r\nLINE\n"


def test_the_model_is_found_by_the_application():
    with serving(worker=None) as found:
        assert ask(found.address).text == "hello"
        assert "has the interface tornado: the worker model is tornado" in found.log
