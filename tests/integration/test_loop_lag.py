"""The event loop's lag, as an operator sees it while the loop is blocked."""

import json
import socket
import urllib.request

import pytest
from hookserve_asyncio import scoreboard_fields

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
    [("asyncio", "1", 1), ("asyncio", "0", 0), ("sync", "1", 0), ("gthread", "1", 0)],
)
def test_a_model_that_watches_no_loop_has_no_memory_for_it(model, limit, fields):
    arguments = ["-k", model, "--loop-lag-warning", limit, "app"]
    assembly = assemble(arguments, {})
    found = scoreboard_fields(assembly.config, choose_worker(assembly.host, model))

    assert len(found) == fields
