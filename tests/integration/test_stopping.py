"""The ends of the server: graceful, bounded, quick."""

import signal
import socket
import threading
import time

import pytest
from support.paths import SUPPORT
from support.processes import is_alive, sleeps
from support.sockets import read_to_end

from hookserve.testing import serve, wait_until
from hookserve.testing.waiting import DEADLINE
from tests.chaos.driver import Driver
from tests.support import web

APPLICATIONS = {"chdir": SUPPORT}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_stop_signal_ends_the_server_with_code_0(number):
    with serve("applications:hello", workers=2, **APPLICATIONS) as server:
        pids = list(server.workers().values())

        code = server.stop(number)

        assert code == 0
        assert not any(map(is_alive, pids))


def test_a_graceful_stop_finishes_the_request_in_flight():
    with serve("applications:busy", **APPLICATIONS) as server:
        found = []
        client = threading.Thread(
            target=lambda: found.append(web.get(f"{server.url}/sleep/1", timeout=DEADLINE))
        )
        client.start()
        wait_until(lambda: sleeps(server.workers()[0]))

        code = server.stop()
        client.join(DEADLINE)

        assert code == 0
        assert found[0].status_code == 200
        assert found[0].headers["connection"] == "close"


def test_a_graceful_stop_is_bounded():
    settings = {"graceful_timeout": 0.5, "abort_timeout": 0.3}
    with serve("applications:busy", settings=settings, **APPLICATIONS) as server:
        with socket.create_connection(server.address) as client:
            client.sendall(b"GET /sleep/30 HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: sleeps(server.workers()[0]))

            began = time.monotonic()
            server.stop()

            assert time.monotonic() - began < 5


def test_a_quick_stop_does_not_wait_for_requests():
    with serve("applications:busy", settings={"quick_timeout": 0.5}, **APPLICATIONS) as server:
        with socket.create_connection(server.address) as client:
            client.sendall(b"GET /sleep/30 HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: sleeps(server.workers()[0]))

            began = time.monotonic()
            server.stop(signal.SIGINT)

            assert time.monotonic() - began < 4


def _ask(server, path):
    client = socket.create_connection(server.address)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return client


def test_what_waits_to_be_accepted_is_served_at_stop():
    with serve("applications:busy", **APPLICATIONS) as server:
        clients = [_ask(server, "/sleep/1")]
        wait_until(lambda: sleeps(server.workers()[0]))
        clients += [_ask(server, "/") for _ in range(8)]

        server.signal(signal.SIGTERM)
        answers = []
        for client in clients:
            with client:
                answers.append(read_to_end(client))

        assert all(answer.startswith(b"HTTP/1.1 200 OK") for answer in answers)
        assert server.wait() == 0


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent", "epoll"])
def test_a_shared_port_loses_nothing_when_one_of_its_servers_stops(worker, free_port):
    """SO_REUSEPORT: the next client of the port is the other server's."""
    both = {"worker": worker, "bind": f"127.0.0.1:{free_port}", "chdir": SUPPORT}
    both["settings"] = {"reuse_port": True}
    with serve("applications:hello", **both) as staying, serve("applications:hello", **both) as one:
        assert {ask(staying) for _ in range(40)} == {staying.workers()[0], one.workers()[0]}
        with Driver(staying.address, 4, 8, 400.0) as load:
            load.wait_for(100)
            one.signal(signal.SIGTERM)
            assert one.wait() == 0
            load.wait_for(load.answered + 200)
            outcome = load.finish()

        assert outcome.failures == 0, outcome.counts
        assert {ask(staying) for _ in range(10)} == {staying.workers()[0]}


def ask(server):
    """The pid of the worker that answers on a connection of its own."""
    return int(web.get(server.url).text.split()[0])
