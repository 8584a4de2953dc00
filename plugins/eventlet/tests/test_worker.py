"""The eventlet worker's own promises."""

import subprocess
import sys
import time

import pytest
from support.green_applications import on_eventlet

from hookserve.testing import serve
from hookserve.testing.contract.client import Client, ask, request

pytestmark = pytest.mark.process


def test_many_requests_sleep_side_by_side():
    with serve(on_eventlet, worker="eventlet") as server:
        clients = [Client(server.address) for _ in range(300)]
        began = time.monotonic()
        for client in clients:
            client.send(request("/sleep/1"))

        assert [client.read().status for client in clients] == [200] * 300
        assert time.monotonic() - began < 3.0
        for client in clients:
            client.socket.close()


def test_an_uncaught_timeout_fails_its_request_alone():
    with serve(on_eventlet, worker="eventlet") as server:
        assert ask(server.address, "/timeout").status == 500
        assert ask(server.address).text == "ok"


def test_the_application_runs_in_a_greenlet_of_eventlets_own_kind():
    with serve(on_eventlet, worker="eventlet") as server:
        assert ask(server.address, "/kind").text == "GreenThread"


def test_starting_it_warns_of_nothing():
    with serve(on_eventlet, worker="eventlet") as server:
        assert "Deprecat" not in server.log


def test_a_module_that_came_too_early_is_named(tmp_path):
    (tmp_path / "early.py").write_text("from time import sleep\n")
    (tmp_path / "hookserve.conf.py").write_text("import early\n")
    (tmp_path / "app.py").write_text("def application(environ, start_response): ...\n")

    result = subprocess.run(
        [sys.executable, "-m", "hookserve", "-b", "127.0.0.1:0", "-k", "eventlet", "app"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
        check=False,
    )

    assert result.returncode == 3
    assert "the module early (" in result.stderr.splitlines()[-1]
    assert "keeps the blocking time.sleep" in result.stderr.splitlines()[-1]


def test_a_preloaded_application_finds_everything_patched(tmp_path):
    (tmp_path / "app.py").write_text(
        "from socket import socket\ndef application(environ, start_response):\n"
        "    start_response('200 OK', [])\n    return [socket.__module__.encode()]\n"
    )
    with serve("app", worker="eventlet", chdir=tmp_path, arguments=["--preload"]) as server:
        assert ask(server.address).text.startswith("eventlet")
