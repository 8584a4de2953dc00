"""Workers whose arbiter is killed."""

import re
import socket

import pytest
from support.paths import SUPPORT
from support.processes import is_alive

from hookserve.testing import serve, wait_until

SLOW = """
import pathlib, time
def application(environ, start_response):
    pathlib.Path("begun").touch()
    time.sleep(60)
"""


def test_workers_end_by_themselves_when_the_arbiter_is_killed():
    with serve("applications:busy", workers=2, chdir=SUPPORT) as server:
        pids = list(server.workers().values())

        server.process.kill()
        server.wait()

        wait_until(lambda: not any(map(is_alive, pids)), timeout=2.0)
        assert server.log.count(f"its arbiter (pid {server.pid}) is gone") == 2


@pytest.mark.parametrize(
    ("worker", "line"),
    [
        ("sync", r"timed out: its arbiter \(pid \d+\) is gone, .*; in flight: GET /export \("),
        ("gthread", r"lost with worker 0 \(pid \d+\): GET /export \("),
    ],
)
def test_requests_that_are_cut_when_the_arbiter_is_killed_are_named(tmp_path, worker, line):
    (tmp_path / "slow.py").write_text(SLOW)
    access = tmp_path / "access"
    settings = {"quick_timeout": 0.3, "access_logfile": str(access)}
    with serve("slow:application", worker=worker, settings=settings, chdir=tmp_path) as server:
        pid = server.workers()[0]
        with socket.create_connection(server.address) as client:
            client.sendall(b"GET /export HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until((tmp_path / "begun").exists)
            server.process.kill()
            server.wait()

            assert client.recv(100) == b""
        wait_until(lambda: not is_alive(pid))
        assert re.search(line, server.log)
        assert "GET /export" in access.read_text()
