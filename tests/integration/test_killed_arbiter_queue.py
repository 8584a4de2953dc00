"""What waits in the accept queue when the arbiter is killed: it is served, or left to another."""

import contextlib
import os
import re
import signal
import socket
import sys

import pytest
from support.models import MODELS
from support.processes import is_alive
from support.sources import source_that_returns

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask, request
from hookserve.testing.suspending import suspend, suspended

WAITING = 6
WAITING_SOURCE = """
import os, time
open("booting", "w").close()
while not os.path.exists("go on"):
    time.sleep(0.01)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other kernels refuse otherwise")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(source_that_returns("served"))
    return tmp_path


def connect(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    client = socket.socket(family)
    client.settimeout(10.0)
    try:
        client.connect(address)
    except OSError:
        client.close()
        raise
    return client


def kill_with_clients(server, workers, address):
    """Kill the arbiter while clients wait in the accept queue; the clients."""
    with suspended(workers):
        clients = [connect(address) for _ in range(WAITING)]
        for client in clients:
            client.sendall(request("/", "Connection: close\r\n"))
        server.process.kill()
        server.process.wait()
    return clients


def end_of(workers):
    wait_until(lambda: not any(map(is_alive, workers)), timeout=3.0)


def read(client):
    """The body of the response."""
    received = b""
    with client, contextlib.suppress(ConnectionResetError):
        while piece := client.recv(1000):
            received += piece
    return received.rpartition(b"\r\n\r\n")[2].decode()


@pytest.mark.parametrize("worker", MODELS)
@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_what_waits_is_served(site, worker, kind):
    path = str(site / "socket")
    settings = {"bind": f"unix:{path}"} if kind == "unix" else {}
    with serve("app", worker=worker, workers=2, chdir=site, settings=settings) as server:
        address = path if kind == "unix" else server.address
        workers = list(server.workers().values())
        clients = kill_with_clients(server, workers, address)

        assert [read(client) for client in clients] == ["served"] * WAITING
        end_of(workers)
        with pytest.raises(ConnectionRefusedError):
            connect(address)


@pytest.mark.parametrize("worker", MODELS)
def test_what_waits_is_served_by_a_worker_that_was_booting(site, worker):
    """It is told to stop before it runs."""
    with serve("app", worker=worker, workers=1, chdir=site) as server:
        (first,) = server.workers().values()
        (site / "app.py").write_text(WAITING_SOURCE + source_that_returns("served"))
        server.signal(signal.SIGTTIN)
        wait_until((site / "booting").exists)
        os.kill(first, signal.SIGKILL)
        suspend(server.pid)
        clients = [connect(server.address) for _ in range(WAITING)]
        for client in clients:
            client.sendall(request("/", "Connection: close\r\n"))
        server.process.kill()
        server.process.wait()
        (site / "go on").touch()

        assert [read(client) for client in clients] == ["served"] * WAITING


def test_what_waits_is_left_to_the_other_arbiter_of_an_upgrade(site):
    settings = {"pidfile": site / "pid"}
    with serve("app", workers=2, chdir=site, settings=settings) as server:
        old = set(server.workers().values())
        (site / "app.py").write_text(source_that_returns("by the successor"))
        server.signal(signal.SIGUSR2)
        wait_until(lambda: server.log.count(" ready") == 4)
        successor = int((site / "pid.2").read_text())
        try:
            with suspended(ready_pids(server) - old):
                clients = kill_with_clients(server, old, server.address)
                end_of(old)
            found = [read(client) for client in clients]

            # The kernel may have woken each old worker for one of them.
            assert found.count("by the successor") >= WAITING - 2
            assert "" not in found
            assert ask(server.address).text == "by the successor"
        finally:
            os.kill(successor, signal.SIGTERM)
            wait_until(lambda: not is_alive(successor))


def ready_pids(server):
    return {int(pid) for pid in re.findall(r"\(pid (\d+)\) ready", server.log)}
