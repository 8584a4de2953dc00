"""Addresses that a reload adds, keeps and removes."""

import signal
import socket
import sys
from contextlib import ExitStack

import pytest
from support.models import MODELS

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, in_parallel, is_refused, request

APPLICATION = """
import pathlib, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/held":
        pathlib.Path("begun").touch()
        while not pathlib.Path("released").exists():
            time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
ANY_PORT = "127.0.0.1:0"
LAST_REQUEST = request("/", "Connection: close\r\n")


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


def configure(site, *addresses):
    (site / "hookserve.conf.py").write_text(f"bind = {list(addresses)!r}\n")


@pytest.mark.parametrize("preload", [False, True], ids=["", "preloaded"])
def test_who_waits_at_an_address_that_a_reload_removes_is_served(site, free_port, preload):
    """W8: the last worker that accepts there is busy until after its successor is ready."""
    removed = ("127.0.0.1", free_port)
    configure(site, ANY_PORT, f"127.0.0.1:{free_port}")
    settings = {"preload_app": preload}
    with (
        serve("app", chdir=site, bind=None, settings=settings) as server,
        ExitStack() as opened,
    ):
        clients = [opened.enter_context(Client(server.address))]
        clients[0].send(request("/held", "Connection: close\r\n"))
        wait_until((site / "begun").exists)
        for _ in range(20):
            clients.append(opened.enter_context(Client(removed)))
            clients[-1].send(LAST_REQUEST)
        configure(site, ANY_PORT)
        server.signal(signal.SIGHUP)
        server.wait_for("ready", lambda event: event["generation"] == 2)
        (site / "released").touch()

        assert [client.read().text for client in clients] == ["ok"] * 21
        server.wait_for("exit")
        assert ask(server.address).text == "ok"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(removed, 5)


@pytest.mark.parametrize("worker", MODELS)
def test_no_client_of_a_removed_address_is_reset_under_load(site, free_port, worker):
    """Who has connected gets an answer; from some moment on connections are refused."""
    removed = ("127.0.0.1", free_port)
    configure(site, ANY_PORT, f"127.0.0.1:{free_port}")
    with serve("app", worker=worker, workers=2, chdir=site, bind=None) as server:

        def hammer(number):
            if number == 0:
                server.signal(signal.SIGHUP)
                return
            try:
                while True:
                    assert ask(removed).text == "ok"
            except ConnectionRefusedError:
                pass

        configure(site, ANY_PORT)

        assert in_parallel(9, hammer) == [None] * 9
        assert ask(server.address).text == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux shares ports (socket(7))")
def test_a_reload_changes_which_wildcard_serves_a_port(site, free_port):
    """Each of them overlaps with the one before, and no client of IPv4 is refused."""
    six, four = f"[::]:{free_port}", f"0.0.0.0:{free_port}"
    configure(site, six)
    with serve("app", chdir=site, bind=None) as server:
        for generation, addresses in enumerate([(six, four), (four,), (six,)], 2):
            configure(site, *addresses)
            server.signal(signal.SIGHUP)
            server.wait_for("ready", lambda event, now=generation: event["generation"] == now)
            server.wait_for("exit", count=generation - 1)

            assert fetch("127.0.0.1", free_port).endswith(b"ok")
            if six in addresses:
                assert fetch("::1", free_port).endswith(b"ok")
            else:
                wait_until(lambda: is_refused(("::1", free_port)))

        assert "cancelled" not in server.log


def fetch(*address):
    """The whole response, over either family."""
    with socket.create_connection(address, 5) as client:
        client.sendall(LAST_REQUEST)
        with client.makefile("rb") as reader:
            return reader.read()
