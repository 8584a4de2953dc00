"""A protocol that is not HTTP, from outside the tree, as its clients meet it under every model."""

import json
import socket
import ssl
import struct
from contextlib import closing

import pytest
import trustme
from support.clean_environment import ROOT, make_environment, run, wheel_of
from support.models import MODELS

from hookserve.testing import serve, wait_until

EXAMPLE = ROOT / "examples" / "hookserve-resp"
SLOW = """
import time
from hookserve_resp import store

def handle(command):
    if command[0] == b"SLOW":
        time.sleep(0.5)
        return b"done"
    if command[0] == b"EXIT":
        raise SystemExit
    return store.handle(command)
"""
PIECE = b"x" * 65536


class Client:
    """A raw socket that speaks RESP."""

    def __init__(self, connected):
        self.socket = connected
        self.stream = connected.makefile("rb")

    def send(self, *commands):
        self.socket.sendall(b"".join(map(encode, commands)))

    def read(self):
        """The next reply; an error begins with a hyphen."""
        line = self.stream.readline()
        assert line, "the server closed the connection"
        kind, text = line[:1], line[1:-2]
        if kind == b"*":
            return [self.read() for _ in range(int(text))]
        if kind == b"$":
            return self.stream.read(int(text) + 2)[:-2] if int(text) >= 0 else None
        return int(text) if kind == b":" else line[:-2]

    def ask(self, *words):
        self.send(words)
        return self.read()

    def subscribe(self, name):
        assert self.ask(b"SUBSCRIBE", name) == [b"subscribe", name, 1]

    def close(self):
        self.stream.close()
        self.socket.close()

    def is_at_end(self):
        return self.stream.read() == b""


def encode(words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


@pytest.fixture(params=MODELS)
def begin(request, tmp_path):
    """Starts a server of the model, and connects clients."""
    (tmp_path / "app.py").write_text(SLOW)
    opened = []

    class Setting:
        log = tmp_path / "access.log"
        worker = request.param

        def serve(self, **settings):
            arguments = ["--access-logfile", str(self.log), "--access-log-format", "json"]
            return serve(
                "app:handle",
                worker=self.worker,
                chdir=tmp_path,
                settings={"protocol": "resp", **settings},
                arguments=arguments,
            )

        def connect(self, server, context=None):
            connected = socket.create_connection(server.address, timeout=10)
            if context is not None:
                connected = context.wrap_socket(connected, server_hostname="resp.example")
            opened.append(Client(connected))
            return opened[-1]

        def records(self):
            return [json.loads(line) for line in self.log.read_text().splitlines()]

    yield Setting()
    for each in opened:
        each.close()


def test_commands_are_run_in_their_order_and_recorded(begin):
    with begin.serve() as server:
        client = begin.connect(server)
        client.send([b"SET", b"key", b"a\r\nb"], [b"GET", b"key"], [b"GET", b"none"], [b"NO"])
        client.send([b"PING"])
        replies = [client.read() for _ in range(5)]
        client.send(*[[b"ECHO", b"%d" % number] for number in range(100)])
        client.socket.shutdown(socket.SHUT_WR)
        numbers = [client.read() for _ in range(100)]
        assert client.is_at_end()
        broken = begin.connect(server)
        broken.socket.sendall(b"GET / HTTP/1.1\r\n")
        assert broken.read().startswith(b"-ERR Protocol error")
        assert broken.is_at_end()
        assert server.stop() == 0
        assert "unknown command" in server.log

    assert replies == [b"OK", b"a\r\nb", None, b"-ERR the command has failed", b"PONG"]
    assert numbers == [b"%d" % number for number in range(100)]
    records = begin.records()
    assert len(records) == 105
    (failed,) = [each for each in records if "reason" in each]
    assert failed["method"] == "NO"
    assert {each["remote_addr"] for each in records} == {"127.0.0.1"}


def test_a_request_that_ends_its_thread_ends_its_connection_alone(begin):
    with begin.serve() as server:
        client, other = begin.connect(server), begin.connect(server)
        assert client.ask(b"EXIT") == b"-ERR the command was ended"
        assert client.is_at_end()

        assert other.ask(b"PING") == b"PONG"


def test_what_one_connection_publishes_others_receive(begin):
    with begin.serve() as server:
        first, second, third = (begin.connect(server) for _ in range(3))
        first.subscribe(b"news")
        second.subscribe(b"news")

        for number in range(50):
            assert third.ask(b"PUBLISH", b"news", b"%d" % number) == 2

        expected = [[b"message", b"news", b"%d" % number] for number in range(50)]
        assert [first.read() for _ in expected] == expected
        assert [second.read() for _ in expected] == expected
        assert first.ask(b"PING") == [b"pong", b""]
        assert first.ask(b"GET", b"key").startswith(b"-ERR only SUBSCRIBE")
        first.send([b"UNSUBSCRIBE"], [b"ECHO", b"again"])
        assert [first.read(), first.read()] == [[b"unsubscribe", b"news", 0], b"again"]
        assert third.ask(b"PUBLISH", b"news", b"last") == 1


@pytest.mark.parametrize("loop", ["asyncio", "tornado"])
def test_event_loops_run_exchanges_that_are_suspended_for_other_interfaces_than_coroutines(loop):
    """Responses are held until the end of a turn for those of coroutines alone."""
    settings = {"protocol": "resp"}
    with serve("hookserve_resp.store:handle", worker=loop, settings=settings) as server:
        with closing(Client(socket.create_connection(server.address, timeout=10))) as subscriber:
            subscriber.subscribe(b"news")
            with closing(Client(socket.create_connection(server.address, timeout=10))) as publisher:
                for _ in range(10):  # each thread has begun another exchange
                    assert publisher.ask(b"PUBLISH", b"news", b"hello") == 1
                    assert subscriber.read() == [b"message", b"news", b"hello"]
            assert server.stop() == 0
            assert subscriber.is_at_end()
        assert "failed" not in server.log


def test_a_subscriber_that_is_gone_is_not_counted(begin):
    with begin.serve() as server:
        reset, closed, publisher = (begin.connect(server) for _ in range(3))
        reset.subscribe(b"news")
        closed.subscribe(b"news")
        assert publisher.ask(b"PUBLISH", b"news", b"") == 2

        reset.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for each in (reset, closed):
            each.close()

        wait_until(lambda: publisher.ask(b"PUBLISH", b"news", b"") == 0)
        wait_until(lambda: begin.log.exists() and "SUBSCRIBE" in begin.log.read_text())


def test_a_subscriber_that_reads_late_gets_everything_in_order(begin):
    with begin.serve() as server:
        late, publisher = begin.connect(server), begin.connect(server)
        late.subscribe(b"news")
        for number in range(250):
            assert publisher.ask(b"PUBLISH", b"news", b"%d " % number + PIECE) == 1

        for number in range(250):
            _, _, message = late.read()
            assert message == b"%d " % number + PIECE
        late.subscribe(b"news")


def test_a_stop_ends_subscriptions_and_finishes_commands(begin):
    with begin.serve(graceful_timeout=20) as server:
        subscriber, idle, slow = (begin.connect(server) for _ in range(3))
        subscriber.subscribe(b"news")
        assert idle.ask(b"PING") == b"PONG"
        slow.send([b"SLOW"])

        assert server.stop(timeout=10) == 0

        assert slow.read() == b"done"
        assert subscriber.is_at_end()
        assert slow.is_at_end()
    lines = sorted(f"{each['method']} {each['path']}" for each in begin.records())
    assert lines == ["PING ", "SLOW ", "SUBSCRIBE news"]


def test_a_subscription_is_no_request_that_runs_too_long(begin):
    with begin.serve(request_timeout=1, timeout=2) as server:
        client, publisher = begin.connect(server), begin.connect(server)
        client.subscribe(b"news")
        for _ in range(4):
            assert publisher.ask(b"SLOW") == b"done"

        assert publisher.ask(b"PUBLISH", b"news", b"still here") == 1
        assert client.read() == [b"message", b"news", b"still here"]


def test_it_speaks_tls_without_knowing(begin, tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("resp.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with begin.serve(certfile=tmp_path / "server.pem") as server:
        subscriber, publisher = (begin.connect(server, context) for _ in range(2))
        subscriber.subscribe(b"news")

        assert publisher.ask(b"PUBLISH", b"news", b"encrypted") == 1
        assert subscriber.read() == [b"message", b"news", b"encrypted"]


def test_its_wheel_is_found_and_used(tmp_path, tmp_path_factory):
    wheels = [wheel_of(project, tmp_path_factory) for project in (ROOT, EXAMPLE)]
    python = make_environment(tmp_path / "venv", wheels)
    listed = run(python, "-m", "hookserve", "--list-plugins")
    assert "hookserve-resp 1.0" in " ".join(listed.split())

    with serve(
        "hookserve_resp.store:handle", settings={"protocol": "resp"}, python=str(python)
    ) as server:
        with socket.create_connection(server.address, timeout=10) as connected:
            with closing(Client(connected)) as client:
                assert client.ask(b"PING") == b"PONG"
