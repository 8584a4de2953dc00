"""``gunicorn.socket`` of the environ."""

import copy
import os
import socket
import sys

import flask
import flask_sock
import pytest
from hookserve_gunicorn.client_socket import ClientSocket
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from hookserve.testing import serve
from hookserve.testing.waiting import wait_until
from tests.support import web


class Lender:
    """Lends a socket, and counts how often."""

    def __init__(self):
        self.client, self.server = socket.socketpair()
        self.count = 0

    def __call__(self):
        self.count += 1
        return self.server


@pytest.fixture
def lender():
    made = Lender()
    with made.client, made.server:
        yield made


def test_it_is_taken_over_at_its_first_use_and_once(lender):
    found = ClientSocket(lender)
    assert lender.count == 0

    found.sendall(b"x")
    assert found.fileno() == lender.server.fileno()

    assert lender.count == 1
    assert lender.client.recv(10) == b"x"


def test_to_look_at_it_does_not_take_it_over(lender):
    environ = {"gunicorn.socket": ClientSocket(lender)}

    assert "gunicorn.socket" in environ
    assert bool(environ["gunicorn.socket"])
    assert "not taken over" in repr(copy.copy(environ))
    copy.copy(environ["gunicorn.socket"])

    assert lender.count == 0


def test_it_is_a_context_that_closes_the_socket(lender):
    with ClientSocket(lender) as found:
        found.sendall(b"x")

    assert lender.server.fileno() < 0


flask_app = flask.Flask(__name__)
sock = flask_sock.Sock(flask_app)


@sock.route("/echo")
def echo(websocket):
    while True:
        data = websocket.receive()
        if data == "close":
            websocket.close(4001, "as asked")
            return
        websocket.send(data)


@flask_app.route("/")
def index():
    return "a page"


def application(environ, start_response):
    return flask_app(environ, start_response)


@pytest.fixture(scope="class")
def server():
    with serve(application, worker="gthread", settings={"threads": 4}) as running:
        yield running


def websocket(server):
    return connect(f"ws{server.url.removeprefix('http')}/echo", open_timeout=10)


THREADS = 5
"""Of a worker at rest: the pool's and the main one."""


def threads_of(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


@pytest.mark.process
class TestFlaskSock:
    """End to end, on simple-websocket."""

    def test_messages_are_echoed(self, server):
        messages = ["a text", b"bytes", "ä" * 100_000, bytes(range(256)) * 4000]

        with websocket(server) as client:
            for message in messages:
                client.send(message)
                assert client.recv(10) == message

    def test_the_application_closes_with_its_code(self, server):
        with websocket(server) as client:
            client.send("close")
            with pytest.raises(ConnectionClosed) as closed:
                client.recv(10)

        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as asked")

    def test_the_client_closes_with_its_code(self, server):
        with websocket(server) as client:
            client.send("x")
            client.recv(10)
            client.close(4002)

        assert client.protocol.close_rcvd.code == 4002

    @pytest.mark.skipif(sys.platform != "linux", reason="it counts threads in /proc")
    def test_a_client_that_goes_away_leaves_nothing_behind(self, server):
        pid = server.workers()[0]
        wait_until(lambda: threads_of(pid) == THREADS)
        with websocket(server) as client:
            client.send("x")
            client.recv(10)
            assert threads_of(pid) == THREADS + 1, "simple-websocket reads in a thread"
            client.socket.shutdown(socket.SHUT_RDWR)

        wait_until(lambda: threads_of(pid) == THREADS)
        assert "error" not in server.log.lower()

    def test_requests_without_a_websocket_are_served_beside(self, server):
        with websocket(server), websocket(server):
            assert web.get(server.url).text == "a page"

    def test_a_request_for_the_page_that_offers_an_upgrade_gets_the_page(self, server):
        fields = {"Connection": "Upgrade", "Upgrade": "h2c"}
        assert web.get(server.url, headers=fields).text == "a page"
