"""The event loop's lag, as an operator sees it while the loop is blocked."""

import json
import socket
import urllib.request
from importlib.util import find_spec

import pytest
from hookserve_asyncio import scoreboard_fields
from hookserve_status.address import check
from hookserve_status.client import StatusClient

from hookserve.launch.assembly import assemble
from hookserve.plugins.selection import choose_worker
from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import Client, request

APPLICATION = """
import os, time

async def application(scope, receive, send):
    while scope["path"] == "/block" and not os.path.exists("go on"):
        time.sleep(0.02)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})
"""


@pytest.fixture
def fetch(tmp_path):
    """A function that returns the status in a form; no worker model is named."""
    (tmp_path / "app.py").write_text(APPLICATION)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"

    def fetch(form, path=""):
        asked = urllib.request.Request(f"http://{address}/{path}", headers={"Accept": form})
        with urllib.request.urlopen(asked, timeout=30) as response:
            return response.read().decode()

    settings = {"status": address, "loop_lag_warning": 0.4}
    with serve("app:application", worker=None, settings=settings, chdir=tmp_path) as server:
        fetch.client = Client(server.address)
        yield fetch
        (tmp_path / "go on").touch()
        fetch.client.socket.close()


@pytest.mark.process
def test_json_metrics_and_the_page_show_for_how_long_the_loop_has_been_blocked(fetch):
    def lag():
        try:
            (worker,) = json.loads(fetch("application/json"))["workers"]
        except (OSError, ValueError):
            return None
        return worker["fields"]["loop_lag_seconds"][0]

    wait_until(lambda: lag() == 0)
    fetch.client.send(request("/block"))
    wait_until(lambda: lag() > 0.5)

    metrics = fetch("text/plain", "metrics")
    (line,) = [each for each in metrics.splitlines() if each.startswith("hookserve_worker_loop")]
    assert line.startswith('hookserve_worker_loop_lag_seconds{worker="0"} ')
    assert float(line.split()[-1]) > 0.5
    assert "<li>loop lag " in fetch("text/html")
    assert json.loads(fetch("application/json"))["model"] == "asyncio"


@pytest.mark.parametrize(
    ("model", "limit", "fields"),
    [
        ("asyncio", "1", 1),
        ("asyncio", "0", 0),
        ("gevent", "1", 1),
        ("eventlet", "1", 1),
        ("sync", "1", 0),
        ("gthread", "1", 0),
    ],
)
def test_a_model_that_watches_no_loop_has_no_memory_for_it(model, limit, fields):
    arguments = ["-k", model, "--loop-lag-warning", limit, "app"]
    assembly = assemble(arguments, {})
    found = scoreboard_fields(assembly.config, choose_worker(assembly.host, model))

    assert len(found) == fields


HUB = """
import os, time
import {library}

real_sleep = {real_sleep}

def application(environ, start_response):
    while environ["PATH_INFO"] == "/block" and not os.path.exists("go on"):
        real_sleep(0.02)
    if environ["PATH_INFO"] == "/wait":
        time.sleep(1)
    if environ["PATH_INFO"] == "/fork" and os.fork() == 0:
        time.sleep(60)  # its hub runs
    start_response("200 OK", [])
    return [b"x"]
"""
REAL_SLEEP = {
    "gevent": "gevent.monkey.get_original('time', 'sleep')",
    "eventlet": "eventlet.patcher.original('time').sleep",
}


@pytest.mark.process
@pytest.mark.parametrize("library", REAL_SLEEP)
def test_so_is_a_hub_that_one_greenlet_blocks(library, tmp_path):
    # Not imported here: beside eventlet each later fork of this process warns.
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    code = HUB.format(library=library, real_sleep=REAL_SLEEP[library])
    (tmp_path / "app.py").write_text(code.replace("import gevent", "import gevent.monkey"))
    settings = {"status": f"unix:{tmp_path}/status", "loop_lag_warning": 0.4}
    with serve("app", worker=library, settings=settings, chdir=tmp_path) as server:
        status = StatusClient(check(f"unix:{tmp_path}/status"))

        def lag():
            (worker,) = status.snapshot()["workers"]
            return worker["fields"]["loop_lag_seconds"][0]

        with Client(server.address) as client:
            assert client.ask(request("/fork")).status == 200
            assert client.ask(request("/wait")).status == 200
            assert lag() < 0.4
            client.send(request("/block"))
            wait_until(lambda: lag() > 1.1)
            texts = [each["text"] for each in status.snapshot()["faults"]]
            assert any("the event loop has been blocked for 1 s" in each for each in texts)
            (tmp_path / "go on").touch()
            assert client.read().status == 200
        wait_until(lambda: lag() == 0)
        wait_until(lambda: "the event loop was blocked for more than" in server.log)
        assert "app.py:9 in application" in server.log
        assert server.log.count("the event loop was blocked") == 1
