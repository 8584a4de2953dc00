"""A tornado application, served natively, keeps the promises of every worker."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import tornado.web
import tornado.websocket

from hookserve.testing import serve, wait_until
from hookserve.testing.contract import recorder
from hookserve.testing.contract.client import Client, ask, request

pytestmark = pytest.mark.process


class Page(tornado.web.RequestHandler):
    async def get(self):
        await asyncio.sleep(float(self.get_argument("sleep", "0")))
        self.write(f"{os.getpid()}")


class Failing(tornado.web.RequestHandler):
    def get(self):
        raise ValueError("on purpose")


class Exiting(tornado.web.RequestHandler):
    async def get(self):
        await asyncio.sleep(0)
        sys.exit("on purpose")


class Upload(tornado.web.RequestHandler):
    def post(self):
        self.write(str(len(self.request.body)))


class Large(tornado.web.RequestHandler):
    def get(self):
        self.write(b"x" * LARGE)


class Echo(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(f"echo {message}")


LARGE = 50_000_000
application = tornado.web.Application(
    [
        ("/", Page),
        ("/fail", Failing),
        ("/exit", Exiting),
        ("/upload", Upload),
        ("/large", Large),
        ("/echo", Echo),
    ]
)


def native(tmp_path, **options):
    """The application from a module of its own: serve() looks for functions."""
    (tmp_path / "chat.py").write_text(
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('chat_source', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\n"
        "app = module.application\n"
    )
    return serve("chat:app", worker="tornado", chdir=tmp_path, **options)


def test_coroutines_run_side_by_side(tmp_path):
    with native(tmp_path) as server:
        clients = [Client(server.address) for _ in range(50)]
        began = time.monotonic()
        for client in clients:
            client.send(request("/?sleep=0.5"))

        assert [client.read().status for client in clients] == [200] * 50
        assert time.monotonic() - began < 2.0
        for client in clients:
            client.socket.close()


async def close(connection):
    """Wait for the end, too: the loop that ends first leaves the client's socket open."""
    connection.close()
    while await connection.read_message() is not None:
        pass


def test_a_websocket_talks(tmp_path):
    async def talk(address):
        connection = await tornado.websocket.websocket_connect(
            f"ws://{address[0]}:{address[1]}/echo"
        )
        await connection.write_message("hello")
        answer = await connection.read_message()
        await close(connection)
        return answer

    with native(tmp_path) as server:
        assert asyncio.run(talk(server.address)) == "echo hello"
        assert ask(server.address).status == 200


def test_the_chat_of_the_examples_lets_its_guests_talk():
    async def talk(address):
        url = f"ws://{address[0]}:{address[1]}/room"
        guests = [await tornado.websocket.websocket_connect(url) for _ in range(2)]
        await guests[0].write_message("good evening")
        received = [await guest.read_message() for guest in guests]
        for guest in guests:
            await close(guest)
        return received

    examples = Path(__file__).parents[3] / "examples"
    with serve("chat:application", worker="tornado", chdir=examples) as server:
        assert asyncio.run(talk(server.address)) == ["good evening"] * 2
        assert "<title>Chat</title>" in ask(server.address).text


def test_a_graceful_stop_finishes_what_is_in_flight(tmp_path):
    """W26."""
    with native(tmp_path, arguments=["-P", recorder.__name__]) as server:
        with Client(server.address) as client, Client(server.address) as idle:
            assert idle.ask(request()).status == 200
            client.send(request("/?sleep=1"))
            server.wait_for("hook", lambda event: event["hook"] == "pre_request", count=2)

            server.signal(signal.SIGTERM)

            assert client.read().status == 200
        assert server.wait() == 0


UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def test_a_quick_stop_answers_what_has_arrived_and_waits_for_no_client(tmp_path):
    options = {"arguments": ["-P", recorder.__name__], "settings": {"quick_timeout": 15}}
    with native(tmp_path, **options) as server, ExitStack() as stack:
        idle, talking, uploading, running = (
            stack.enter_context(Client(server.address)) for _ in range(4)
        )
        assert idle.ask(request()).status == 200
        assert talking.ask(request("/echo", UPGRADE)).status == 101
        uploading.send(request("/upload", "Content-Length: 20\r\n", "POST") + b"x")
        running.send(request("/?sleep=0.5"))
        server.wait_for("hook", lambda event: event["hook"] == "pre_request", count=4)

        began = time.monotonic()
        server.signal(signal.SIGINT)

        assert running.read().status == 200
        assert server.wait() == 0
        assert time.monotonic() - began < 10


def test_hooks_records_and_counters_are_those_of_every_worker(tmp_path):
    with native(tmp_path, arguments=["-P", recorder.__name__]) as server:
        assert ask(server.address, "/?a=1").status == 200
        assert ask(server.address, "/fail").status == 500
        assert ask(server.address, "/nowhere").status == 404
        server.wait_for("hook", lambda event: event["hook"] == "log_access", count=3)
        server.stop()
        calls = [event for event in server.events if event["event"] == "hook"]

    for hook in ("pre_request", "post_request"):
        assert [(each["path"], each["query"]) for each in calls if each["hook"] == hook] == [
            ("/", "a=1"),
            ("/fail", ""),
            ("/nowhere", ""),
        ]
    logged = [each["status"] for each in calls if each["hook"] == "log_access"]
    counters = next(each["counters"] for each in calls if each["hook"] == "child_exit")
    assert logged == [200, 500, 404]
    assert (counters["requests"], counters["server_errors"], counters["client_errors"]) == (3, 1, 1)
    assert counters["connections"] == 0


def test_the_access_log_does_not_wait_for_the_next_request(tmp_path):
    path = tmp_path / "log"
    with native(tmp_path, settings={"access_logfile": path}) as server:
        assert ask(server.address).status == 200

        wait_until(lambda: "GET / " in path.read_text(), 5.0)


def test_a_client_that_goes_away_ends_its_request(tmp_path):
    with native(tmp_path, arguments=["-P", recorder.__name__]) as server:
        with Client(server.address) as client:
            client.send(request("/?sleep=0.3"))
            server.wait_for("hook", lambda event: event["hook"] == "pre_request")
        record = server.wait_for("hook", lambda event: event["hook"] == "log_access")

        assert (record["status"], bool(record["reason"])) == (0, True) or record["status"] == 200
        assert ask(server.address).status == 200


def test_connections_are_limited(tmp_path):
    with native(tmp_path, settings={"worker_connections": 2}) as server:
        busy = [Client(server.address) for _ in range(2)]
        for client in busy:
            client.send(b"GET / HTTP/1.1\r\n")
        with Client(server.address) as waiting:
            waiting.send(request())
            timer = threading.Timer(0.5, busy[0].socket.close)
            began = time.monotonic()
            timer.start()

            assert waiting.read().status == 200
            assert time.monotonic() - began > 0.45
            timer.join()
        busy[1].socket.close()


@pytest.mark.parametrize("is_kept", [False, True])
def test_a_connection_without_a_request_is_evicted_for_a_new_one(tmp_path, is_kept):
    with native(tmp_path, settings={"worker_connections": 2}) as server:
        idle = [Client(server.address) for _ in range(2)]
        for client in idle[: 2 * is_kept]:
            assert client.ask(request()).status == 200
        with Client(server.address) as newcomer:
            assert newcomer.ask(request()).status == 200

        assert idle[0].read_to_end() == b""
        assert idle[1].ask(request()).status == 200
        for client in idle:
            client.socket.close()


def test_a_handler_that_exits_fails_its_own_request(tmp_path):
    with native(tmp_path) as server:
        pid = ask(server.address).text

        assert ask(server.address, "/exit").status == 500
        assert ask(server.address).text == pid
        assert "SystemExit: on purpose" in server.log


def drip(client, seconds, pause=0.1):
    """Send a byte now and then; whether the server took them all."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < seconds:
            client.send(b"x")
            time.sleep(pause)  # it is the pause that is tested
    except OSError:
        return False
    return True


def test_a_body_may_take_longer_than_its_timeout_at_its_least_rate(tmp_path):
    settings = {"body_timeout": 0.5, "body_rate": 1}
    with native(tmp_path, settings=settings) as server, Client(server.address) as client:
        client.send(request("/upload", "Content-Length: 100\r\n", "POST"))
        assert drip(client, 1.2)
        client.send(b"x" * 100)

        assert client.read().text == "100"


@pytest.mark.parametrize("drips", [False, True])
def test_a_body_that_stops_or_drips_ends_its_connection(tmp_path, drips):
    with native(tmp_path, settings={"body_timeout": 0.5}) as server:
        with Client(server.address) as client:
            client.send(request("/upload", "Content-Length: 1000\r\n", "POST"))

            if drips:
                assert not drip(client, 4.0)
            else:
                assert client.read().status == 408
        assert ask(server.address).status == 200


def sockets_of(server):
    """How many the worker has open."""
    folder, found = Path(f"/proc/{server.workers()[0]}/fd"), 0
    for each in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # it is closed at this moment
            found += os.readlink(each).startswith("socket:")
    return found


def test_a_reader_that_stops_ends_its_connection(tmp_path):
    with native(tmp_path, settings={"write_timeout": 0.5}) as server:
        before = sockets_of(server)
        with Client(server.address, receive_buffer=4096) as client:
            client.send(request("/large"))
            with Client(server.address) as other:
                assert other.ask(request()).status == 200
                assert sockets_of(server) == before + 2
            wait_until(lambda: sockets_of(server) == before)
            assert len(client.read_to_end()) < LARGE
        assert ask(server.address).status == 200


def loop_of(environ, start_response):
    """A WSGI application that uses the loop it runs in."""
    from tornado.ioloop import IOLoop

    seen = _seen
    body = json.dumps(seen).encode()
    IOLoop.current().add_callback(seen.append, 1)
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


_seen: list[int] = []


def test_what_a_wsgi_application_schedules_on_the_loop_runs():
    with serve(loop_of, worker="tornado") as server:
        assert ask(server.address).text == "[]"
        wait_until(lambda: ask(server.address).text.startswith("[1"))
