"""Sockets that a service manager hands over, through reloads and upgrades."""

import contextlib
import os
import signal
import socket
import struct
import sys
import threading

import pytest
from support.paths import SUPPORT
from support.sockets import listeners_of, read_to_end

from hookserve.testing import serve, wait_until
from tests.support import web

# What systemd does between fork(2) and exec(2): the socket is descriptor 3, the pid is known.
MANAGER = f"""#!{sys.executable}
import os, socket, sys
channel = os.dup(int(os.environ["TEST_ANNOUNCE_FD"]))
listening = socket.create_server(("127.0.0.1", 0))
os.dup2(channel, 10)
os.dup2(listening.fileno(), 3)
os.environ.update(TEST_ANNOUNCE_FD="10", LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def manager(tmp_path):
    path = tmp_path / "manager"
    path.write_text(MANAGER)
    path.chmod(0o755)
    return str(path)


def activated(manager, **settings):
    return serve(
        "applications:hello",
        python=manager,
        bind=None,
        chdir=SUPPORT,
        settings=settings,
    )


def test_what_a_service_manager_hands_over_is_served(manager):
    with activated(manager) as server:
        assert web.get(server.url).status_code == 200
        assert len(listeners_of(server.pid)) == 1


@pytest.mark.parametrize("preload", [False, True])
def test_it_stays_through_reloads(manager, preload):
    with activated(manager, preload_app=preload) as server:
        address = server.address
        for generation in (2, 3):
            server.signal(signal.SIGHUP)
            server.wait_for("ready", lambda event, wanted=generation: event["generation"] == wanted)
            server.wait_for("exit", count=generation - 1)

            assert web.get(server.url).status_code == 200
        assert server.address == address
        assert len(listeners_of(server.pid)) == 1


def test_it_is_handed_to_a_successor_and_to_the_successor_of_that(manager):
    with activated(manager) as server:
        pids = [server.pid]
        for count in (2, 3):
            os.kill(pids[-1], signal.SIGUSR2)
            pids.append(server.wait_for("listening", count=count)["pid"])
            server.wait_for("ready", count=count)
            os.kill(pids[-2], signal.SIGTERM)
            server.wait_for("exit", count=count - 1)
            wait_until(lambda: server.log.count("the upgrade is complete") == len(pids) - 1)

            assert web.get(server.url).status_code == 200
        assert len(listeners_of(pids[-1])) == 1
        os.kill(pids[-1], signal.SIGTERM)
        server.wait_for("exit", count=3)


# A manager that keeps the socket open between two servers, and hands it to each.
KEEPING_MANAGER = f"""#!{sys.executable}
import os, socket, sys
channel = os.dup(int(os.environ["TEST_ANNOUNCE_FD"]))
with socket.socket(socket.AF_UNIX) as manager:
    manager.connect(os.environ["TEST_MANAGER"])
    listening = socket.recv_fds(manager, 1, 1)[1][0]
os.dup2(channel, 10)
os.dup2(listening, 11)
os.environ["TEST_ANNOUNCE_FD"] = "10"
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class KeptSocket:
    """A socket that the test listens on and hands to each server that it starts."""

    def __init__(self, directory):
        self._program = directory / "keeping manager"
        self._program.write_text(KEEPING_MANAGER)
        self._program.chmod(0o755)
        self._path = str(directory / "manager.sock")
        self._manager = socket.create_server(self._path, family=socket.AF_UNIX)
        self._listening = socket.create_server(("127.0.0.1", 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._manager.close()
        self._listening.close()

    @contextlib.contextmanager
    def serve(self, worker):
        thread = threading.Thread(target=self._pass_on)
        thread.start()
        with serve(
            "applications:busy",
            worker=worker,
            bind="fd://11",
            python=str(self._program),
            environ={"TEST_MANAGER": self._path},
            chdir=SUPPORT,
        ) as server:
            thread.join()
            yield server

    def ask(self, path):
        client = socket.create_connection(self._listening.getsockname())
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return client

    def queue_length(self):
        """How many clients wait to be accepted: tcpi_unacked of a listening socket."""
        info = self._listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        return struct.unpack_from("I", info, 24)[0]

    def _pass_on(self):
        server, _ = self._manager.accept()
        with server:
            socket.send_fds(server, [b"x"], [self._listening.fileno()])


@pytest.mark.parametrize("worker", ["sync", "gthread", "gevent", "epoll"])
def test_a_client_that_comes_while_the_server_stops_is_served(worker, tmp_path):
    """The socket is the manager's: a client that waits there is the next server's."""
    with KeptSocket(tmp_path) as kept:
        with kept.serve(worker) as server, kept.ask("/sleep/0.5") as running:
            wait_until(lambda: not kept.queue_length())
            server.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in server.log)
            late = kept.ask("/")
            assert read_to_end(running).startswith(b"HTTP/1.1 200")
            assert server.wait() == 0
        with late, kept.serve(worker):
            assert read_to_end(late).startswith(b"HTTP/1.1 200")
