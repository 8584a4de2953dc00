"""A child that the application forks is not a worker: it never responds, accepts or runs hooks."""

import os
import signal
from pathlib import Path

import pytest
from support.forking_applications import application, asgi_application
from support.models import MODELS

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request

pytestmark = pytest.mark.process


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tcp_sockets(pid):
    """The inodes of the TCP sockets that a process holds."""
    table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    known = {line.split()[9] for line in table}
    links = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return {each[len("socket:[") : -1] for each in links if each.startswith("socket:")} & known


LOG = ["--access-logfile", "-", "--access-logformat", "served by %(p)s: %(U)s"]


@pytest.mark.parametrize("how", ["returns", "exits", "raises"])
@pytest.mark.parametrize("model", MODELS)
def test_a_child_that_is_done_ends_without_a_response_of_its_own(model, how):
    with serve(application, worker=model, arguments=LOG) as server:
        workers = server.workers()
        with Client(server.address) as client:
            child = int(client.ask(request(f"/fork/{how}")).body)
            wait_until(lambda: not is_running(child))

            assert client.ask(request()).body == b"of the parent"
        assert [ask(server.address).text for _ in range(10)] == ["of the parent"] * 10
        assert server.workers() == workers
        wait_until(lambda: server.log.count("served by") == 12)
        assert f"served by <{child}>" not in server.log


@pytest.mark.parametrize("model", MODELS)
def test_a_child_that_stays_holds_no_port_and_no_connection_and_can_be_terminated(model):
    with serve(application, worker=model) as server:
        with Client(server.address) as other, Client(server.address) as client:
            assert other.ask(request()).status == 200
            child = int(client.ask(request("/fork/stays")).body)

            assert [ask(server.address).text for _ in range(10)] == ["of the parent"] * 10
            wait_until(lambda: not tcp_sockets(child))
        os.kill(child, signal.SIGTERM)
        wait_until(lambda: not is_running(child))


@pytest.mark.parametrize("model", ["gevent", "eventlet"])
def test_no_child_whose_hub_runs_reads_what_is_to_wake_the_worker(model):
    with serve(application, worker=model, settings={"graceful_timeout": 4}) as server:
        with Client(server.address) as client:
            # Several: of two processes the worker is often enough the quicker one.
            children = [int(client.ask(request("/fork/stays")).body) for _ in range(8)]
        server.stop()
        for child in children:
            os.kill(child, signal.SIGKILL)
        assert "timed out" not in server.log


def test_a_child_of_an_asgi_application_ends_at_its_response():
    with serve(asgi_application, worker="asyncio", arguments=["--lifespan", "off"]) as server:
        with Client(server.address) as client:
            child = int(client.ask(request()).body)
            wait_until(lambda: not is_running(child))
        assert "the child goes on" not in server.log
