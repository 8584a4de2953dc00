"""Real workers that grow."""

import sys
from types import SimpleNamespace

import hookserve_memory
import pytest
from hookserve_status.address import check
from hookserve_status.client import StatusClient

from hookserve.config.resolved import Config
from hookserve.testing import ServerFailed, serve, wait_until
from tests.support import web

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it measures on Linux")

APPLICATION = """
import os
held = [b"x" * int(os.environ.get("HOLD", "0"))]

def application(environ, start_response):
    if environ["PATH_INFO"] == "/grow":
        held.append(b"x" * (100 << 20))
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""

TICKS = "def server_tick(server): print('tick', file=open('ticks', 'a'), flush=True)\n"

pytestmark = pytest.mark.process


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    return tmp_path


def limited(site, **options):
    settings = {
        "memory_limit": "80M",
        "memory_interval": 0.05,
        "tick_interval": 0.05,
        **options.pop("settings", {}),
    }
    return serve("app", chdir=site, settings=settings, **options)


def wait_for_ticks(site, count):
    """Wait for some more ticks."""
    path = site / "ticks"
    wanted = (path.read_text().count("tick") if path.exists() else 0) + count
    wait_until(lambda: path.exists() and path.read_text().count("tick") >= wanted)


@pytest.mark.serial
@pytest.mark.parametrize("measure", ["pss", "rss"])
def test_a_worker_that_has_grown_is_replaced(site, measure):
    with limited(site, settings={"memory_measure": measure}) as server:
        victim = web.get(f"{server.url}/grow").text
        gone = server.wait_for("exit")

        assert str(gone["pid"]) == victim
        assert gone["kind"] == "recycled"
        assert gone["detail"].startswith("memory: 1")
        assert gone["detail"].endswith(" MiB of 80 MiB")
        order = [event["event"] for event in server.events if event["event"] in ("ready", "exit")]
        assert order == ["ready", "ready", "exit"]
        assert web.get(server.url).status_code == 200


def test_workers_within_the_limit_stay(site):
    (site / "hookserve.conf.py").write_text(TICKS)
    with limited(site, workers=2) as server:
        before = server.workers()
        wait_for_ticks(site, 10)

        assert server.workers() == before


def test_several_are_replaced_one_after_the_other(site):
    with limited(site, workers=2) as server:
        grown = set()
        while len(grown) < 2 and not any(each["event"] == "exit" for each in server.events):
            grown.add(web.get(f"{server.url}/grow").text)
            server.workers()
        server.wait_for("exit", count=2)

        order = [event["event"] for event in server.events if event["event"] in ("ready", "exit")]
        assert order[:6] == ["ready", "ready", "ready", "exit", "ready", "exit"]


def test_a_limit_below_what_the_application_needs_is_said_once_and_not_enforced(site):
    (site / "hookserve.conf.py").write_text(TICKS)
    address = f"unix:{site / 'status'}"
    environ = {"HOLD": str(100 << 20)}
    with limited(site, workers=2, environ=environ, settings={"status": address}) as server:
        server.wait_for("exit")
        wait_for_ticks(site, 20)

        assert server.log.count("memory_limit is less than the application needs") == 1
        snapshot = StatusClient(check(address)).snapshot()
        faults = [each["text"] for each in snapshot["faults"] if "memory_limit" in each["text"]]
        assert len(faults) == 2
        assert all("memory_limit is 80 MiB, and it is not replaced: " in each for each in faults)
        assert len(server.workers()) == 2
        assert sum(each["event"] == "exit" for each in server.events) == 1


def test_without_a_limit_nothing_is_called(site):
    source = "def worker_ready(server): open('ticks', 'w').write(repr(server.ticker.due(0.0)))\n"
    (site / "hookserve.conf.py").write_text(source)
    with serve("app", chdir=site):
        assert (site / "ticks").read_text() == "None"


def test_an_invalid_size_is_refused(site):
    with (
        pytest.raises(ServerFailed, match=r"memory_limit .*expected bytes"),
        limited(site, settings={"memory_limit": "much"}),
    ):
        pass


def test_a_limit_that_cannot_be_watched_is_a_warning(monkeypatch):
    monkeypatch.setattr(hookserve_memory, "_CAN_MEASURE", False)
    config = Config({"memory_limit": 1}, {"memory_limit": "here"})

    assert hookserve_memory.configured_plugins(config) == []
    assert hookserve_memory.config_warnings(config) == [
        "memory_limit (here): it takes Linux to measure a worker"
    ]


def test_without_a_limit_there_is_no_warning():
    assert hookserve_memory.config_warnings(SimpleNamespace(memory_limit=0)) == []
