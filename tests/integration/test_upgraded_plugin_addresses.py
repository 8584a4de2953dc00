"""Ports that plugins have for themselves, while a successor takes over from a running server."""

import os
import signal

import pytest
from support.processes import is_alive
from support.scrapers import Scrapers
from support.sockets import free_address, listeners_of
from support.sources import source_that_returns

from hookserve.testing import serve, wait_until

pytestmark = pytest.mark.process


@pytest.fixture
def settings(tmp_path):
    return {"pidfile": tmp_path / "pid"} | {
        name: "{}:{}".format(*free_address()) for name in ("health_bind", "prometheus")
    }


def _address(text):
    host, port = text.split(":")
    return host, int(port)


@pytest.mark.parametrize("ends", ["predecessor", "successor"])
def test_whichever_of_the_two_ends_no_client_is_refused(tmp_path, settings, ends):
    (tmp_path / "app.py").write_text(source_that_returns("x"))
    scrapers = Scrapers(
        (_address(settings["health_bind"]), "/-/ready"),
        (_address(settings["prometheus"]), "/metrics"),
    )
    with serve("app", chdir=tmp_path, settings=settings) as server, scrapers:
        scrapers.wait_for_each()
        server.signal(signal.SIGUSR2)
        wait_until(lambda: "the successor serves" in server.log)
        successor = int((tmp_path / "pid.2").read_text())
        (worker,) = server.workers().values()
        assert len(listeners_of(worker)) == 1
        scrapers.wait_for_each()

        pids = {"predecessor": server.pid, "successor": successor}
        os.kill(pids.pop(ends), signal.SIGTERM)
        (left,) = pids.values()
        wait_until(lambda: "is complete" in server.log or "has ended (0)" in server.log)
        scrapers.wait_for_each()

        assert scrapers.failures == []
        assert len(listeners_of(left)) == 3
        scrapers.stop()
        os.kill(left, signal.SIGTERM)
        wait_until(lambda: not is_alive(left))
