"""Whom a stop refuses while a worker finishes a long request, and whom a successor serves."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, in_parallel, is_refused, request

APPLICATION = """
import os, pathlib, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/held":
        pathlib.Path("begun").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.01)
    body = str(os.getppid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not tell")
HELD = request("/held", "Connection: close\r\n")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    yield tmp_path
    (tmp_path / "go on").touch()


def hold(site, server):
    """A client whose request runs until the file ``go on`` exists."""
    client = Client(server.address)
    client.send(HELD)
    wait_until((site / "begun").exists)
    return client


def test_a_unix_socket_refuses_at_once(site):
    path, link = site / "s", site / "link"
    settings = {"bind": f"unix:{path}"}
    with serve("app", chdir=site, settings=settings) as server:
        os.link(path, link)  # as a container has it that mounts the socket
        with hold(site, server) as running:
            server.signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in server.log)

            with socket.socket(socket.AF_UNIX) as late, pytest.raises(ConnectionRefusedError):
                late.connect(str(link))
            assert not path.exists()

            (site / "go on").touch()
            assert running.read().status == 200


def test_the_next_server_starts_at_the_same_port_while_a_worker_is_still_busy(site):
    with serve("app", chdir=site) as server, hold(site, server) as running:
        server.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in server.log)
        assert is_refused(server.address)

        host, port = server.address
        with serve("app", chdir=site, bind=f"{host}:{port}") as following:
            assert ask(server.address).text == str(following.pid)

        (site / "go on").touch()
        assert running.read().text == str(server.pid)


def test_a_successor_serves_what_comes_while_its_predecessor_is_busy(site):
    settings = {"pidfile": site / "pid"}
    with serve("app", chdir=site, settings=settings) as server, hold(site, server) as running:
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in server.log)
        successor = (site / "pid.2").read_text().strip()

        server.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in server.log)
        found = in_parallel(8, lambda _: ask(server.address).text)
        (site / "go on").touch()

        assert found == [successor] * 8
        assert running.read().text == str(server.pid)
        assert server.wait() == 0
        assert ask(server.address).text == successor
        os.kill(int(successor), signal.SIGTERM)
        wait_until(lambda: is_refused(server.address))


def test_a_removed_address_refuses_while_an_old_worker_is_busy(site, free_port):
    removed = ("127.0.0.1", free_port)
    file = site / "hookserve.conf.py"
    file.write_text(f"bind = ['127.0.0.1:0', '127.0.0.1:{free_port}']\n")
    with serve("app", chdir=site, bind=None) as server, hold(site, server) as running:
        file.write_text("bind = ['127.0.0.1:0']\n")
        server.signal(signal.SIGHUP)
        server.wait_for("ready", lambda event: event["generation"] == 2)

        wait_until(lambda: not listens(free_port))
        assert is_refused(removed)
        assert ask(server.address).status == 200
        (site / "go on").touch()
        assert running.read().status == 200


@pytest.mark.parametrize("kind", ["sync", "gthread"])
def test_a_client_that_the_kernel_still_holds_back_is_served(site, kind):
    """It is connected, and TCP_DEFER_ACCEPT keeps it out of the queue: no worker can see it."""
    with serve("app", worker=kind, chdir=site, settings={"defer_accept": True}) as server:
        with Client(server.address) as client:
            server.signal(signal.SIGTERM)
            wait_until(lambda: not connects(server.address))

            assert client.ask(request("/")).status == 200
        assert server.wait() == 0


def listens(port):
    """Whether a socket listens there; to connect would put a connection into its queue."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


def connects(address):
    try:
        socket.create_connection(address, 0.05).close()
    except OSError:
        return False
    return True
