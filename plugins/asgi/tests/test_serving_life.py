"""ASGI in the life of a server: recycling, reload, upgrade, wrappers, records, stuck loops."""

import json
import os
import signal
import socket
import ssl
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from support.command import hookserve
from support.life import LifeTests
from support.processes import is_alive

from hookserve.testing import serve, wait_until
from hookserve.testing.contract import recorder
from hookserve.testing.contract.client import Client, Load, ask, request
from hookserve.testing.suspending import suspended

pytestmark = pytest.mark.process
HERE = Path(__file__).parent


@contextmanager
def serving(*arguments, workers=1, **settings):
    """A server of the application."""
    with serve(
        "application:application",
        worker="asyncio",
        workers=workers,
        settings=settings,
        arguments=arguments,
        chdir=HERE,
    ) as server:
        yield server


class TestLife(LifeTests):
    page = "/sleep/0"
    serving = staticmethod(serving)


def test_a_reload_finishes_what_is_suspended():
    with serving() as server, Client(server.address) as client:
        before = ask(server.address).text
        client.send(request("/sleep/0.5"))
        server.signal(signal.SIGHUP)
        server.wait_for("ready", count=2)

        assert client.read().text == before
        assert ask(server.address).text != before


def test_a_response_that_a_killed_worker_held_is_counted_as_lost():
    with serving() as server, Client(server.address) as one, Client(server.address) as other:
        for client in (one, other):
            assert client.ask(request("/")).status == 200
        (worker,) = server.workers().values()
        with suspended([worker]):
            one.send(request("/?held"))
            other.send(request("/hang/20"))
        wait_until(lambda: "the application hangs" in server.log)

        os.kill(worker, signal.SIGKILL)

        wait_until(lambda: server.log.count("lost with worker 0") == 2)
        assert ": 1 response, complete and not sent" in server.log
        assert ": GET /hang/20" in server.log


def test_an_upgrade_loses_nothing(tmp_path):
    with serving(workers=2, pidfile=tmp_path / "pid") as server:
        with Load(server.address) as load:
            server.signal(signal.SIGUSR2)
            wait_until(lambda: "the successor serves" in server.log)
            successor = int((tmp_path / "pid.2").read_text())
            server.signal(signal.SIGTERM)
            assert server.wait() == 0
            load.wait_for(30)
            assert load.failures == []
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: not is_alive(successor))


def test_hooks_are_called_with_what_they_are_called_with_for_wsgi():
    with serving("-P", recorder.__name__) as server:
        assert ask(server.address, "/sleep/0.2").status == 200
        server.wait_for("hook", lambda event: event["hook"] == "log_access")
        calls = [event for event in server.events if event["event"] == "hook"]

    named = {each["hook"]: each for each in calls}
    assert {"pre_request", "post_request", "log_access"} <= set(named)
    assert named["pre_request"]["path"] == "/sleep/0.2"
    assert named["post_request"]["status"] == "200 OK" or named["post_request"]["status"] == 200
    assert named["log_access"]["status"] == 200
    assert 0.1 < named["post_request"]["elapsed"] <= named["log_access"]["elapsed"] < 2.0


def test_within_tls(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert("app.example")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with serving(certfile=tmp_path / "server.pem") as server:
        with socket.create_connection(server.address) as plain:
            with trust.wrap_socket(plain, server_hostname="app.example") as wrapped:
                client = Client.__new__(Client)
                client.socket, client._unread = wrapped, b""
                scope = json.loads(client.ask(request("/scope")).body)
                assert scope["scheme"] == "https"
                body = b"x" * 1_000_000
                sent = request("/digest", f"Content-Length: {len(body)}\r\n", "POST") + body
                assert json.loads(client.ask(sent).body)[0] == len(body)
                for path in ("/path", "/path/later"):
                    assert b"An application of ASGI" in client.ask(request(path)).body
                assert len(client.ask(request("/stream/50")).body) > 50 * 65536


def test_within_the_proxy_protocol():
    with serving(proxy_protocol="v1") as server, Client(server.address) as client:
        client.send(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n")
        for _ in range(2):
            scope = json.loads(client.ask(request("/scope")).body)
            assert scope["client"] == ["192.0.2.7", 4711]


@pytest.mark.parametrize("arguments", [["--check-config"], ["-b", "127.0.0.1:0"], ["--preload"]])
def test_an_application_of_asgi_2_is_refused(arguments):
    ended = hookserve(*arguments, "application:Double", cwd=HERE)

    assert ended.returncode == 4
    assert "application:Double is an application of ASGI 2" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_blocks_the_loop_is_named():
    with serving(loop_lag_warning=0.2) as server:
        assert ask(server.address, "/block/1").text == "done"

        assert server.log.count("the event loop has been blocked") == 1
        assert "application.py:" in server.log
        assert "in compute" in server.log


def test_a_worker_that_is_stuck_is_reported_with_its_tasks():
    with serving(timeout=1) as server, Client(server.address) as waiting:
        waiting.send(request("/sleep/30"))
        wait_until(lambda: ask(server.address).status == 200)
        with Client(server.address) as client:
            client.send(request("/block/60"))
            server.wait_for("ready", count=2)

        server.wait_for("exit")
        assert "GET /block/60" in server.log
        assert "in compute" in server.log
        assert "(application):" in server.log
        assert "in sleep" in server.log


def test_a_slow_request_that_waits_is_logged_with_the_stack_of_its_task():
    with serving(slow_request=0.3) as server, Client(server.address) as client:
        client.send(request("/sleep/1"))
        wait_until(lambda: "slow request" in server.log)
        report = server.log.partition("slow request")[2]

        assert "GET /sleep/1 (0." in report
        assert "tasks.py" in report, report
        assert "in sleep" in report
        assert client.read().status == 200
