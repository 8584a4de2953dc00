"""Real servers whose workers follow the load."""

import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from hookserve_adaptive.scaler import Scaler

from hookserve.testing import ServerFailed, serve, wait_until
from hookserve.testing.waiting import DEADLINE
from tests.support import web

pytestmark = pytest.mark.process

APPLICATION = """
import os, time

def application(environ, start_response):
    while environ["PATH_INFO"] == "/held" and os.path.exists("hold"):
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

TICKS = """
import os

def server_tick(server):
    if os.path.exists("drain"):
        os.remove("drain")
        server.set_wanted(0)
    print("tick", file=open("ticks", "a"), flush=True)
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "hookserve.conf.py").write_text(TICKS)
    return tmp_path


def adapting(site, **settings):
    settings = {
        "threads": 2,
        "adaptive_max": 3,
        "adaptive_idle_time": 0.3,
        "tick_interval": 0.05,
        **settings,
    }
    return serve("app", worker="gthread", chdir=site, settings=settings)


@contextmanager
def load(site, server, requests=6):
    """So many requests at once, until the block ends; all are answered."""
    (site / "hold").touch()
    with ThreadPoolExecutor(requests) as pool:
        answers = [
            pool.submit(web.get, f"{server.url}/held", timeout=DEADLINE) for _ in range(requests)
        ]
        try:
            yield
        finally:
            (site / "hold").unlink()
        assert [answer.result().status_code for answer in answers] == [200] * requests


def wait_for_ticks(site, count):
    """Wait for some more ticks."""
    path = site / "ticks"
    wanted = (path.read_text().count("tick") if path.exists() else 0) + count
    wait_until(lambda: path.exists() and path.read_text().count("tick") >= wanted)


def wanted(server):
    """The numbers of workers that were wanted, one after the other."""
    server.workers()
    return [event["count"] for event in server.events if event["event"] == "wanted"]


def test_workers_come_with_the_load_and_go_after_it(site):
    with adapting(site) as server:
        with load(site, server):
            server.wait_for("ready", lambda event: event["index"] == 2)
            wait_for_ticks(site, 10)
            assert wanted(server) == [1, 2, 3]
        for index in (2, 1):
            gone = server.wait_for("exit", lambda event, index=index: event["index"] == index)
            assert gone["kind"] == "drained"
        wait_for_ticks(site, 20)

        assert wanted(server) == [1, 2, 3, 2, 1]


@pytest.mark.parametrize("preload", [False, True])
def test_a_reload_under_load_keeps_the_number(site, preload):
    with adapting(site, preload_app=preload) as server:
        with load(site, server):
            server.wait_for("ready", lambda event: event["index"] == 2)
            server.signal(signal.SIGHUP)
            server.wait_for("ready", lambda event: event["generation"] == 2, count=3)

            assert set(wanted(server)[2:]) == {3}
        server.wait_for("wanted", lambda event: event["count"] == 1, count=2)


def test_signals_move_the_range(site):
    with adapting(site) as server:
        for count in (2, 3, 4, 5):
            server.signal(signal.SIGTTIN)
            server.wait_for("wanted", lambda event, count=count: event["count"] == count)
        wait_for_ticks(site, 20)
        assert wanted(server) == [1, 2, 3, 4, 5]

        for count in (4, 3, 2, 1):
            server.signal(signal.SIGTTOU)
            server.wait_for("wanted", lambda event, count=count: event["count"] == count, count=2)
        wait_for_ticks(site, 20)
        assert wanted(server) == [1, 2, 3, 4, 5, 4, 3, 2, 1]


def test_who_drains_all_workers_gets_none_back_unasked(site):
    with adapting(site) as server:
        (site / "drain").touch()
        server.wait_for("exit")
        wait_for_ticks(site, 20)
        assert wanted(server) == [1, 0]

        server.signal(signal.SIGTTIN)
        server.wait_for("ready", count=2)
        assert web.get(server.url).text == "ok"


def test_without_a_maximum_nothing_is_called(site):
    source = "def worker_ready(server): open('due', 'w').write(repr(server.ticker.due(0.0)))\n"
    (site / "hookserve.conf.py").write_text(source)
    with serve("app", chdir=site):
        assert (site / "due").read_text() == "None"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"adaptive_min": 4}, "3 is less than adaptive_min, which is 4"),
        ({"workers": 4}, "3 is less than workers, which is 4"),
        ({"adaptive_busy": 2}, "expected a number above 0, at most 1"),
    ],
)
def test_an_invalid_range_is_refused(site, settings, message):
    with pytest.raises(ServerFailed, match=message), adapting(site, **settings):
        pass


def test_a_maximum_beyond_the_room_does_not_move_the_range():
    settings = {"adaptive_min": 0, "adaptive_max": 100, "adaptive_interval": 0}
    scaler = Scaler(SimpleNamespace(**settings, adaptive_busy=0.75, adaptive_idle_time=60))
    scaler._target = 80
    server = SimpleNamespace(most_workers=63)

    scaler.nworkers_changed(server, 63, 40)
    assert scaler._shift == 0
    scaler.nworkers_changed(server, 62, 63)
    assert scaler._shift == -1
