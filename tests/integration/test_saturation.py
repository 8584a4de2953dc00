"""More requests than a server can serve, over sockets."""

import os
import signal
import ssl
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.tls import TlsClient, issue_server_certificate

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, ask, request

APPLICATION = """
import asyncio
import pathlib
import time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/hold":
        pathlib.Path("held").touch()
        time.sleep(1.2)
    elif path != "/quick":
        time.sleep(0.5)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

async def asgi(scope, receive, send):
    if scope["path"] == "/hold":
        pathlib.Path("held").touch()
        await asyncio.sleep(1.2)
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"ok"})
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


@pytest.mark.parametrize(("worker", "more"), [("sync", {}), ("gthread", {"threads": 1})])
def test_who_waits_too_long_gets_503_and_the_others_are_served(site, worker, more):
    settings = {"queue_timeout": 0.7, **more}
    with serve("app", worker=worker, chdir=site, settings=settings) as server:
        clients = [Client(server.address) for _ in range(6)]
        for client in clients:
            client.send(request())
        answers = [client.read() for client in clients]
        for client in clients:
            client.socket.close()

        statuses = [each.status for each in answers]
        refused = next(each for each in answers if each.status == 503)
        assert 1 <= statuses.count(200) <= 3
        assert statuses.count(503) == 6 - statuses.count(200)
        assert "\r\nRetry-After: 1" in refused.head
        assert refused.closes
        assert server.log.count("saturated") == 1
        assert ask(server.address).status == 200


def test_a_coroutine_is_not_begun_for_a_request_that_a_proxy_has_held_too_long(site):
    fields = f"X-Request-Start: t={time.time() - 9:.3f}\r\n"
    with serve("app:asgi", worker="asyncio", chdir=site, settings={"queue_timeout": 5}) as server:
        with Client(server.address) as client:
            assert client.ask(request("/", fields)).status == 503
        assert ask(server.address).status == 200


@pytest.mark.parametrize(("worker", "app"), [("asyncio", "app:asgi"), ("gthread", "app")])
def test_clients_that_were_refused_are_none_of_those_whose_worker_was_killed(site, worker, app):
    fields = f"X-Request-Start: t={time.time() - 9:.3f}\r\n"
    with serve(app, worker=worker, chdir=site, settings={"queue_timeout": 5}) as server:
        idle, *refused = [Client(server.address) for _ in range(4)]
        assert idle.ask(request()).status == 200
        assert [each.ask(request("/", fields)).status for each in refused] == [503] * 3
        assert [each.socket.recv(1) for each in refused] == [b""] * 3
        (pid,) = server.workers().values()

        os.kill(pid, signal.SIGKILL)

        server.wait_for("ready", count=2)
        wait_until(lambda: "closed with worker 0" in server.log)
        assert f"(pid {pid}): 1 connection without a request that had begun" in server.log
        for client in (idle, *refused):
            client.socket.close()


ONE_AT_A_TIME = [
    ("sync", "app", {}),
    ("gthread", "app", {"threads": 1}),
    ("epoll", "app", {}),
    ("tornado", "app", {}),
    ("gevent", "app", {"worker_connections": 1}),
    ("eventlet", "app", {"worker_connections": 1}),
    ("asyncio", "app:asgi", {"worker_connections": 1}),
]


@pytest.fixture
def trust(site):
    """The context of a client that trusts the site's certificate."""
    return issue_server_certificate(site / "server.pem")


def serve_within_tls(site, worker, app, **more):
    settings = {"queue_timeout": 0.6, "certfile": site / "server.pem", **more}
    return serve(app, worker=worker, chdir=site, settings=settings)


def statuses_while_held(server, site, trust):
    """Of a request that holds up the worker, and of three whose clients connect meanwhile."""

    def status(path):
        with TlsClient(server.address, trust) as client:
            return client.ask(request(path)).status

    with ThreadPoolExecutor(4) as pool:
        holding = pool.submit(status, "/hold")
        wait_until((site / "held").exists)
        waiting = [pool.submit(status, "/quick") for _ in range(3)]
        return [each.result() for each in (holding, *waiting)]


@pytest.mark.parametrize(("worker", "app", "more"), ONE_AT_A_TIME)
def test_what_has_waited_too_long_to_be_accepted_is_refused_within_tls(
    site, trust, worker, app, more
):
    """The client sends its request after a handshake: that has waited, and not the request."""
    with serve_within_tls(site, worker, app, **more) as server:
        assert statuses_while_held(server, site, trust) == [200, 503, 503, 503]
        with TlsClient(server.address, trust) as client:
            assert client.ask(request("/quick")).status == 200


def test_each_part_of_a_handshake_that_waits_counts(site, trust):
    """With TLS 1.2 the server has to write twice."""
    trust.maximum_version = ssl.TLSVersion.TLSv1_2
    with serve_within_tls(site, "sync", "app", defer_accept=True) as server:
        assert statuses_while_held(server, site, trust) == [200, 503, 503, 503]
