"""An application of tornado's in the life of a server: wrappers, limits, hooks, reload, stop."""

import asyncio
import json
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest
import tornado.websocket
import trustme
from support.life import LifeTests

from hookserve.testing import ServerFailed, serve, wait_until
from hookserve.testing.contract import recorder
from hookserve.testing.contract.client import Client, ask, request

pytestmark = pytest.mark.process
HERE = Path(__file__).parent
UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def serving(*arguments, app="site_application:application", workers=1, chdir=HERE, **settings):
    """A server of the application."""
    return serve(
        app,
        worker="tornado",
        workers=workers,
        settings=settings,
        arguments=arguments,
        chdir=chdir,
    )


class TestLife(LifeTests):
    serving = staticmethod(serving)


@pytest.fixture
def authority(tmp_path):
    """A server's certificate, and those who trust it."""
    made = trustme.CA()
    pem = made.issue_cert("app.example").private_key_and_cert_chain_pem
    pem.write_to_path(tmp_path / "server.pem")
    trust = ssl.create_default_context()
    trust.check_hostname = False
    made.configure_trust(trust)
    return trust


def test_within_tls(tmp_path, authority):
    async def talk(address):
        asked = tornado.httpclient.HTTPRequest(
            f"wss://{address[0]}:{address[1]}/socket", ssl_options=authority
        )
        connection = await tornado.websocket.websocket_connect(asked)
        received = []
        for message in ("hello", "x" * 300_000):
            await connection.write_message(message)
            received.append(await connection.read_message())
        connection.close()
        await connection.read_message()
        return received

    with serving(certfile=tmp_path / "server.pem") as server:
        with socket.create_connection(server.address) as plain:
            with authority.wrap_socket(plain, server_hostname="app.example") as wrapped:
                client = Client.__new__(Client)
                client.socket, client._unread = wrapped, b""
                found = json.loads(client.ask(request("/client")).body)
                assert (found["protocol"], found["ip"]) == ("https", "127.0.0.1")
                body = b"x" * 1_000_000
                sent = request("/upload", f"Content-Length: {len(body)}\r\n", "POST") + body
                assert json.loads(client.ask(sent).body)["size"] == len(body)
                assert client.ask(request("/chunks")).text == "0\n1\n2\n3\n4\n"
        assert asyncio.run(talk(server.address)) == ["hello", "x" * 300_000]


def test_within_the_proxy_protocol():
    with serving(proxy_protocol="v1") as server, Client(server.address) as client:
        client.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n")
        for _ in range(2):
            assert json.loads(client.ask(request("/client")).body)["ip"] == "192.0.2.7"
        client.send(request("/socket", UPGRADE) + b"\x81\x82\0\0\0\0hi")
        data = b""
        while not data.endswith(b"\x81\x02hi"):
            data += client.socket.recv(1000)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_a_trusted_proxy_speaks_for_its_client(is_trusted):
    trusted = "127.0.0.1" if is_trusted else "192.0.2.1"
    settings = {"client_header": "X-Forwarded-For", "forwarded_allow_ips": trusted}
    with serving(**settings) as server, Client(server.address) as client:
        extra = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        found = json.loads(client.ask(request("/client", extra)).body)

    expected = ("192.0.2.7", "https") if is_trusted else ("127.0.0.1", "http")
    assert (found["ip"], found["protocol"]) == expected
    assert found["context"] == [*expected, expected[0]]


def test_over_a_unix_socket(tmp_path):
    path = tmp_path / "socket"
    with serving("-b", f"unix:{path}"), socket.socket(socket.AF_UNIX) as plain:
        plain.connect(str(path))
        client = Client.__new__(Client)
        client.socket, client._unread = plain, b""
        found = json.loads(client.ask(request("/client")).body)

    assert (found["ip"], found["context"]) == ("0.0.0.0", ["0.0.0.0", "http", ""])


LIMITS = {
    "limit_request_line": (100, request("/" + "x" * 200), 414),
    "limit_request_fields": (3, request("/", "A: 1\r\nB: 2\r\nC: 3\r\n"), 431),
    "limit_request_field_size": (100, request("/", f"A: {'x' * 200}\r\n"), 431),
    "limit_request_body": (10, request("/echo", "Content-Length: 11\r\n", "POST"), 413),
}


@pytest.mark.parametrize("name", LIMITS)
def test_what_exceeds_a_limit_is_refused_before_its_handler(name):
    limit, sent, status = LIMITS[name]
    with serving("-P", recorder.__name__, **{name: limit}) as server:
        with Client(server.address) as client:
            assert client.ask(sent).status == status
            assert client.read_to_end() == b""
        record = server.wait_for("hook", lambda event: event["hook"] == "log_access")
        called = [event["hook"] for event in server.events if event["event"] == "hook"]

    assert record["status"] == status
    assert "pre_request" not in called


CHUNKED = "Transfer-Encoding: chunked\r\n"
BODIES = {
    "chunks over the limit": (request("/upload", CHUNKED, "POST") + b"64\r\n" + b"x" * 100, 413),
    "chunks for a whole body": (request("/echo", CHUNKED, "POST") + b"64\r\n" + b"x" * 100, 413),
    "no chunk": (request("/upload", CHUNKED, "POST") + b"none\r\n", 400),
    "the handler's own limit": (
        request("/upload?limit=5", "Content-Length: 6\r\n", "POST") + b"x" * 6,
        413,
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_received_is_refused(name):
    sent, status = BODIES[name]
    with serving(limit_request_body=50) as server, Client(server.address) as client:
        assert client.ask(sent).status == status
        assert client.read_to_end() == b""
        assert ask(server.address).status == 200
        assert server.stop(timeout=5) == 0  # no handler waits for that body


def test_hooks_and_records_are_those_of_every_interface():
    with serving("-P", recorder.__name__) as server:
        assert ask(server.address, "/sleep/0.2").status == 200
        record = server.wait_for("hook", lambda event: event["hook"] == "log_access")
        calls = [event for event in server.events if event["event"] == "hook"]

    named = {each["hook"]: each for each in calls}
    assert named["pre_request"]["path"] == "/sleep/0.2"
    assert named["post_request"]["path"] == "/sleep/0.2"
    assert record["status"] == 200
    assert 0.1 < record["elapsed"] < 2.0


def test_a_websocket_is_one_request_whose_record_is_made_at_its_end():
    with serving("-P", recorder.__name__) as server:
        with Client(server.address) as client:
            client.send(request("/socket", UPGRADE))
            assert client.read(is_bodiless=True).status == 101
        record = server.wait_for("hook", lambda event: event["hook"] == "log_access")

    assert (record["status"], record["path"]) == (101, "/socket")


def test_a_request_that_runs_too_long_is_cancelled_alone():
    with serving(request_timeout=0.3, abort_timeout=5) as server:
        began = time.monotonic()
        with Client(server.address) as client, Client(server.address) as other:
            client.send(request("/sleep/30"))
            assert other.ask(request("/sleep/0")).status == 200
            assert client.read().status == 503
        assert time.monotonic() - began < 3
        assert "GET /sleep/30: request_timeout (0.3 s)" in server.log
        server.stop()
        assert server.wait() == 0


@pytest.mark.parametrize("stop", [signal.SIGHUP, signal.SIGTERM])
def test_open_streams_are_told_to_end_and_hold_nothing_up(stop):
    with serving(graceful_timeout=20) as server:
        with Client(server.address) as events, Client(server.address) as talking:
            events.send(request("/events"))
            while b"tick" not in events.socket.recv(1000):
                pass
            talking.send(request("/socket", UPGRADE))
            assert talking.read(is_bodiless=True).status == 101
            began = time.monotonic()
            server.signal(stop)

            assert talking.socket.recv(100) == b"\x88\x02\x03\xf4"  # 1012
            talking.send(b"\x88\x82\0\0\0\0\x03\xf4")
            assert talking.read_to_end() == b""
            assert events.read_to_end().endswith(b"0\r\n\r\n")
            server.wait_for("exit")
            assert time.monotonic() - began < 10
        if stop == signal.SIGHUP:
            assert ask(server.address).status == 200


def test_a_stop_finishes_what_runs_and_what_has_begun_to_arrive():
    with serving() as server, Client(server.address) as running, Client(server.address) as sending:
        running.send(request("/sleep/0.5"))
        sending.send(request("/upload", "Content-Length: 2\r\n", "POST") + b"x")
        wait_until(lambda: ask(server.address).status == 200)
        server.signal(signal.SIGTERM)
        sending.send(b"x")

        assert running.read().status == 200
        assert json.loads(sending.read().text)["size"] == 2
        assert server.wait() == 0


def test_an_application_of_another_interface_is_refused():
    with pytest.raises(ServerFailed, match="is not an application of tornado: function is not"):
        with serving("--interface", "tornado", app="site_application:wsgi"):
            pass
