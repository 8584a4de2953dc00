"""The standard logger, in a server."""

import json
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
from support.applications import ok

from hookserve.testing import serve, wait_until
from tests.support import web

pytestmark = pytest.mark.process


def lines_of(path, count=1):
    """The file's lines, once there are as many."""
    wait_until(lambda: path.exists() and path.read_text().count("\n") >= count)
    return path.read_text().splitlines()


def test_requests_are_logged_when_the_worker_is_idle(tmp_path):
    path = tmp_path / "access"
    with serve(ok, settings={"accesslog": path}) as server:
        web.get(f"{server.url}/a?b", headers={"User-Agent": "test"})

        (line,) = lines_of(path)

        assert line.endswith('"GET /a?b HTTP/1.1" 200 2 "-" "test"')


def test_requests_are_logged_as_json_refused_ones_too(tmp_path):
    path = tmp_path / "access"
    settings = {"accesslog": path, "access_log_format": "json"}
    with serve(ok, settings=settings) as server:
        web.get(server.url)
        web.get(server.url, headers={"Expect": "miracles"})

        good, refused = map(json.loads, lines_of(path, 2))

        assert (good["status"], "reason" in good) == (200, False)
        assert (refused["status"], refused["reason"]) == (
            417,
            "unsupported expectation",
        )


def test_a_line_waits_for_a_second_at_most_while_the_worker_is_busy(tmp_path):
    path = tmp_path / "access"
    busy = Path(__file__).parents[3] / "tests" / "support"
    with serve(
        "applications:busy", worker="gthread", settings={"accesslog": path}, chdir=busy
    ) as server:
        with socket.create_connection(server.address) as held_up:
            held_up.sendall(b"GET /sleep/10 HTTP/1.1\r\nHost: h\r\n\r\n")
            deadline = time.monotonic() + 5
            while not lines_of(path, 0) and time.monotonic() < deadline:
                web.get(server.url)
            lines = lines_of(path, 0)
        server.stop(signal.SIGQUIT)

    assert lines


def test_the_process_that_is_logged_is_the_worker(tmp_path):
    path = tmp_path / "access"
    settings = {"accesslog": path, "access_log_format": "%(p)s"}
    with serve(ok, settings=settings) as server:
        web.get(server.url)

        assert lines_of(path) == [f"<{server.workers()[0]}>"]


def test_usr1_reopens_both_logs(tmp_path):
    access, error = tmp_path / "access", tmp_path / "error"
    settings = {"accesslog": access, "errorlog": error}
    with serve(ok, settings=settings, workers=2) as server:
        web.get(f"{server.url}/before")
        lines_of(access)
        access.rename(tmp_path / "access.1")
        error.rename(tmp_path / "error.1")
        server.signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and "/after" not in "".join(lines_of(access, 0)):
            web.get(f"{server.url}/after")
        server.signal(signal.SIGTTIN)
        server.wait_for("ready", count=3)

        assert "/before" in (tmp_path / "access.1").read_text()
        assert "/after" in access.read_text()
        assert "worker 2" in error.read_text()


def test_a_path_can_be_left_out(tmp_path):
    path = tmp_path / "access"
    settings = {"accesslog": path, "access_log_skip": "/health"}
    with serve(ok, settings=settings) as server:
        web.get(f"{server.url}/health")
        web.get(f"{server.url}/page")

        assert ["/page" in line for line in lines_of(path)] == [True]


def test_a_killed_request_has_its_record(tmp_path):
    path = tmp_path / "access"
    settings = {
        "accesslog": path,
        "access_log_format": "json",
        "request_timeout": 0.3,
        "abort_timeout": 0.3,
    }
    busy = Path(__file__).parents[3] / "tests" / "support"
    with serve("applications:busy", settings=settings, chdir=busy) as server:
        try:
            web.get(f"{server.url}/sleep/30", timeout=20)
        except httpx.HTTPError:
            pass
        server.wait_for("exit")

        found = json.loads(lines_of(path)[0])

        assert (found["status"], found["path"]) == (0, "/sleep/30")
        assert found["reason"].startswith("timed out")


def test_the_error_log_can_be_json(tmp_path):
    path = tmp_path / "error"
    with serve(ok, settings={"errorlog": path, "error_log_format": "json"}) as server:
        first = json.loads(lines_of(path)[0])

        assert first["level"] == "info"
        assert first["pid"] == server.pid
        assert first["message"].startswith("hookserve ")


def test_the_level_is_used(tmp_path):
    path = tmp_path / "error"
    with serve(ok, settings={"errorlog": path, "loglevel": "error"}) as server:
        assert server.workers()
        assert path.read_text() == ""
