"""Websockets of a real server: over TLS and behind a proxy, while workers change."""

import base64
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from signal import SIGHUP, SIGTERM

import pytest
import trustme
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.sync.client import connect

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process
HERE = Path(__file__).parent
AUTHORITY = trustme.CA()


def server(**options):
    return serve("application:echo_messages", worker="asyncio", chdir=HERE, **options)


def url_of(server, scheme="ws", path="/"):
    return f"{scheme}://127.0.0.1:{server.address[1]}{path}"


@pytest.mark.parametrize("loop", ["asyncio", "auto"])
def test_messages_of_all_kinds_and_one_access_record(loop):
    with server(settings={"loop": loop, "access_logfile": "-"}) as running:
        with connect(url_of(running), max_size=None) as client:
            assert client.recv().endswith(" ws 127.0.0.1")
            for message in ("hé", b"\0\xff", "", "x" * 1_000_000, b"y" * 5_000_000):
                client.send(message)
                assert client.recv() == message
            client.send(["frag", "ments"])
            assert client.recv() == "fragments"
            assert client.ping().wait(20)
            assert " 101 " not in running.log
        wait_until(lambda: " 101 " in running.log and "ended with" in running.log)

        assert running.log.count('"GET / HTTP/1.1" 101 ') == 1
        assert "ended with 1000" in running.log


def test_a_websocket_that_is_denied():
    with server() as running, pytest.raises(InvalidStatus) as caught:
        connect(url_of(running, path="/denied"))

    assert caught.value.response.status_code == 403


def test_a_message_over_the_limit():
    with server(settings={"websocket_max_size": "1K"}) as running:
        with connect(url_of(running), compression=None) as client:
            client.recv()
            client.send("x" * 1025)
            with pytest.raises(ConnectionClosedError) as caught:
                client.recv()

            assert caught.value.rcvd.code == 1009
        wait_until(lambda: "ended with 1009" in running.log)


def test_over_tls(tmp_path):
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "certificate")
    settings = {"certfile": tmp_path / "certificate", "keyfile": tmp_path / "key"}
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    with server(settings=settings) as running:
        with connect(url_of(running, "wss"), ssl=context, max_size=None) as client:
            assert client.recv().endswith(" wss 127.0.0.1")
            client.send("x" * 1_000_000)
            assert client.recv() == "x" * 1_000_000
        wait_until(lambda: "ended with 1000" in running.log)


def test_behind_a_proxy_that_names_its_client():
    with server(settings={"proxy_protocol": "v1"}) as running:
        connection = socket.create_connection(running.address)
        connection.sendall(b"PROXY TCP4 203.0.113.9 127.0.0.1 4000 80\r\n")
        with connect(url_of(running), sock=connection) as client:
            assert client.recv().endswith(" ws 203.0.113.9")
            client.send("x")
            assert client.recv() == "x"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_closes_with_1012_and_new_workers_serve(workers):
    with server(workers=workers) as running, ExitStack() as stack:
        clients = [stack.enter_context(connect(url_of(running))) for _ in range(6)]
        old = {client.recv().split()[0] for client in clients}

        running.signal(SIGHUP)
        codes = [code_at_end(client) for client in clients]
        running.wait_for("exit", count=workers)  # one that had no client may serve until then
        with connect(url_of(running)) as client:
            assert client.recv().split()[0] not in old

        assert codes == [1012] * 6
        wait_until(lambda: running.log.count("ended with 1012") == 6)


def test_a_stop_closes_with_1012_at_once():
    with server(settings={"graceful_timeout": 15}) as running, connect(url_of(running)) as client:
        client.recv()

        running.signal(SIGTERM)

        assert code_at_end(client) == 1012
        assert running.wait(timeout=10) == 0
        assert "is gone: drained" in running.log


def code_at_end(client):
    with pytest.raises((ConnectionClosedError, ConnectionClosedOK)) as caught:
        client.recv(timeout=20)
    return caught.value.rcvd.code


def test_a_client_that_is_gone_and_has_not_closed():
    with server(settings={"access_logfile": "-"}) as running:
        with socket.create_connection(running.address) as client:
            key = base64.b64encode(b"k" * 16).decode()
            client.sendall(
                "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        wait_until(lambda: "ended with 1006" in running.log)
        wait_until(lambda: " 101 " in running.log and "ended with" in running.log)


def test_a_stop_while_nothing_happens_ends_the_lifespan_in_order():
    with server() as running:
        with connect(url_of(running)) as client:
            client.recv()
        wait_until(lambda: "ended with 1000" in running.log)

        running.stop()

        assert "is gone: drained" in running.log
