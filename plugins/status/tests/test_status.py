"""A running server, seen and controlled from outside."""

import http.client
import json
import os
import re
import signal
import socket
import stat
import threading
import time

import pytest
from hookserve_status.address import check
from hookserve_status.client import Refused, StatusClient, Unreachable
from hookserve_status.ctl import run
from support.processes import children_of

from hookserve.testing import serve, wait_until
from hookserve.testing.suspending import suspend

pytestmark = pytest.mark.process

APPLICATION = """
import os, time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        while not os.path.exists("go on"):
            time.sleep(0.02)
    start_response("404 Not Found" if environ["PATH_INFO"] == "/no" else "200 OK", [])
    return [b"x" * 100]
"""

HOOKS = """
import os, time

def child_exit(server, worker):
    while os.path.exists("hold"):
        time.sleep(0.02)
"""

WAITS = """import os, time
while not os.path.exists("go on"): time.sleep(0.02)
"""
"""At the beginning of an application whose import is not to end before the test."""


class Scene:
    """A server with its status at a unix socket and at a port."""

    def __init__(self, server, path, port):
        self.server, self.path, self.port = server, path, port
        self.client = StatusClient(check(f"unix:{path}"))

    def ctl(self, *words):
        return run(["-a", f"unix:{self.path}", *words])

    def get(self, path="/", request_id="", wait=True):
        connection = http.client.HTTPConnection(*self.server.address, timeout=30)
        connection.request("GET", path, headers={"X-Request-ID": request_id})
        if not wait:
            return connection
        status = connection.getresponse().status
        connection.close()
        return status

    def fetch_at_socket(self, path="/", method="GET", **headers):
        """The status, by way of the unix socket."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.path))
        connection.request(method, path, headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def fetch(self, path="/", method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response, body


def is_answered(client):
    try:
        return client.snapshot()
    except Unreachable:
        return None


@pytest.fixture
def scene(tmp_path, request):
    (tmp_path / "app.py").write_text(APPLICATION)
    (tmp_path / "hookserve.conf.py").write_text(HOOKS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = tmp_path / "status"
    settings = {"status": f"unix:{path},127.0.0.1:{port}", **getattr(request, "param", {})}
    with serve("app:application", workers=2, settings=settings, chdir=tmp_path) as server:
        made = Scene(server, path, port)
        wait_until(lambda: is_answered(made.client))
        yield made
        (tmp_path / "go on").touch()
        (tmp_path / "hold").unlink(missing_ok=True)


def worker(scene, index):
    return next(each for each in scene.client.snapshot()["workers"] if each["index"] == index)


def test_the_server_is_shown_in_every_form_while_every_worker_is_stuck(scene):
    assert stat.S_IMODE(os.stat(scene.path).st_mode) == 0o600
    for _ in range(3):
        scene.get("/no")
    held = [scene.get("/stuck", f"id-{number}", wait=False) for number in range(3)]
    wait_until(lambda: sum(each["busy"] for each in scene.client.snapshot()["workers"]) == 2)
    wait_until(lambda: scene.client.snapshot()["queues"][0]["length"] == 1)

    snapshot = scene.client.snapshot()
    in_flight = [each["in_flight"][0] for each in snapshot["workers"]]
    assert {each["label"] for each in in_flight} == {"GET /stuck"}
    assert {each["id"] for each in in_flight} <= {"id-0", "id-1", "id-2"}
    assert snapshot["totals"]["requests"] == snapshot["totals"]["client_errors"] == 3
    assert sum(snapshot["durations"]["buckets"]) == 3
    assert "Every place is busy (2 of 2), and 1 connection waits." in [
        each["text"] for each in snapshot["faults"]
    ]
    assert all(each["rss_bytes"] > 1 << 20 for each in snapshot["workers"])

    response, body = scene.fetch(Accept="text/html,*/*;q=0.8")
    assert response.headers["Content-Type"].startswith("text/html")
    assert "Every place is busy" in body
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    response, body = scene.fetch(
        Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    )
    assert response.headers["Content-Type"].startswith("application/openmetrics-text")
    assert "http_server_request_duration_seconds_count 3\n" in body
    assert body.endswith("# EOF\n")
    response, body = scene.fetch(Accept="text/plain")
    assert "GET /stuck" in body
    response, body = scene.fetch(Accept="*/*")
    assert json.loads(body)["format"] == 1
    for path in ("/page.css", "/page.js"):
        assert scene.fetch(path)[0].status == 200
    for each in held:
        each.close()


def test_a_port_takes_no_command_and_answers_under_no_other_name(scene):
    response, body = scene.fetch("/reload", "POST")
    assert (response.status, "unix socket" in body) == (403, True)
    response, body = scene.fetch(Host="evil.example")
    assert response.status == 403
    response, body = scene.fetch("/nothing")
    assert response.status == 404
    assert scene.client.snapshot()["reload"] == {"wanted": 0, "ended": 0}


def test_settings_stay_open_without_javascript_where_the_page_loads_itself_again(scene):
    _, page = scene.fetch(Accept="text/html")
    assert "<details><summary>Settings" in page
    assert '<noscript><a href="/?settings#settings">' in page

    _, page = scene.fetch("/?settings", Accept="text/html")
    assert "<details open><summary>Settings" in page


def test_a_page_of_another_site_cannot_use_a_tunnel_to_the_unix_socket(scene):
    """`ssh -L 9100:/run/shop/status host` has it at a port where a browser runs."""
    for origin in ("https://evil.example", "null", "http://localhost:9100"):
        assert scene.fetch_at_socket("/reload", "POST", Origin=origin) == 403
    assert scene.fetch_at_socket(Host="evil.example:9100") == 403
    assert scene.client.snapshot()["reload"] == {"wanted": 0, "ended": 0}

    for host in ("localhost:9100", "127.0.0.1:9100", "[::1]:9100", "status", ""):
        assert scene.fetch_at_socket(Host=host) == 200


def test_a_reload_is_waited_for_with_its_outcome(scene, tmp_path, capsys):
    assert scene.ctl("reload", "--wait") == 0
    assert "generation 2 serves" in capsys.readouterr().out

    (tmp_path / "app.py").write_text("import no_such_module\n")
    with pytest.raises(Refused, match=r"the reload has failed.*no_such_module"):
        scene.ctl("reload", "--wait")

    snapshot = scene.client.snapshot()
    assert [each["is_complete"] for each in snapshot["reloads"]] == [0, 1]
    assert snapshot["generation"] == 2
    assert any("The last reload failed" in each["text"] for each in snapshot["faults"])


@pytest.mark.parametrize("scene", [{"preload_app": True}], indirect=True)
def test_a_preloaded_application_is_reloaded_and_what_was_counted_is_kept(scene, capsys):
    for _ in range(4):
        scene.get()
    started = scene.client.snapshot()["uptime_seconds"]

    assert scene.ctl("reload", "--wait") == 0

    snapshot = scene.client.snapshot()
    assert snapshot["totals"]["requests"] == 4
    assert snapshot["uptime_seconds"] > started
    assert snapshot["reload"] == {"wanted": 0, "ended": 1}


@pytest.mark.parametrize("scene", [{"preload_app": True}], indirect=True)
def test_a_reload_takes_the_time_of_its_dry_run_too(scene, tmp_path):
    source = (tmp_path / "app.py").read_text()
    (tmp_path / "app.py").write_text(f"import time\ntime.sleep(0.3)\n{source}")
    began = time.monotonic()

    assert scene.ctl("reload", "--wait") == 0

    # It is imported in the dry run, and after the re-exec.
    assert 0.6 <= scene.client.snapshot()["reloads"][0]["seconds"] <= time.monotonic() - began


def test_workers_are_scaled_and_recycled(scene, capsys):
    assert scene.ctl("scale", "3", "--wait") == 0
    assert [each["index"] for each in scene.client.snapshot()["workers"]] == [0, 1, 2]
    assert capsys.readouterr().out == "3 workers wanted, not 2\n"
    assert scene.ctl("scale", "3") == 0
    assert capsys.readouterr().out == "3 workers wanted, as before\n"
    assert scene.ctl("scale", "1", "--wait") == 0
    assert capsys.readouterr().out == "1 worker wanted, not 3\n"
    assert "1 worker wanted, not 3" in scene.server.log
    assert scene.ctl("scale", "3", "--wait") == 0
    before = worker(scene, 1)["pid"]

    assert scene.ctl("recycle", "1", "--wait") == 0

    assert worker(scene, 1)["pid"] != before
    wait_until(lambda: scene.client.snapshot()["exits"]["by_kind"]["recycled"] == 1)
    assert scene.client.snapshot()["exits"]["latest"][0]["reason"] == "recycled (ctl)"
    with pytest.raises(Refused, match="there is no worker 7"):
        scene.ctl("recycle", "7")
    with pytest.raises(Refused, match="expected 0 to 4096 workers"):
        scene.ctl("scale", "5000")
    with pytest.raises(
        Refused, match=r"room for 63 workers at most, not for 64: .* workers = 64 and reload"
    ):
        scene.ctl("scale", "64")
    assert scene.client.snapshot()["wanted"] == 3


def test_the_stacks_of_a_stuck_worker_are_shown(scene, capsys):
    held = scene.get("/stuck", "an-id", wait=False)
    wait_until(lambda: [each for each in scene.client.snapshot()["workers"] if each["busy"]])
    (index,) = [each["index"] for each in scene.client.snapshot()["workers"] if each["busy"]]

    for _ in range(2):
        assert scene.ctl("stacks", str(index)) == 0

        out = capsys.readouterr().out
        assert out.count("app.py") == 1
        assert "in application" in out
    assert scene.ctl("requests") == 0
    assert "an-id" in capsys.readouterr().out
    held.close()


def test_of_two_workers_with_one_index_the_stacks_are_those_of_the_one_that_is_not_ready(
    scene, tmp_path, capsys
):
    pid = worker(scene, 0)["pid"]
    (tmp_path / "app.py").write_text(WAITS + APPLICATION)
    scene.ctl("reload")
    wait_until(lambda: len(scene.client.snapshot()["workers"]) == 3)
    capsys.readouterr()

    def shown():
        try:
            scene.ctl("stacks", "0")
        except Refused:  # it is not far enough to write any
            return ""
        return capsys.readouterr().out

    wait_until(lambda: 'app.py", line 2 in <module>' in shown())
    assert f"(pid {pid})" not in shown()


def test_a_server_that_is_drained_answers_until_its_last_request_is_over(scene, tmp_path, capsys):
    held = scene.get("/stuck", wait=False)
    wait_until(lambda: [each for each in scene.client.snapshot()["workers"] if each["busy"]])
    assert scene.ctl("drain") == 0

    wait_until(lambda: len(scene.client.snapshot()["workers"]) == 1)
    assert scene.client.snapshot()["is_stopping"]
    (fault,) = [each["text"] for each in scene.client.snapshot()["faults"]]
    assert fault.startswith("The server is stopping: it waits for 1 request in flight, the oldest")
    assert f"stopping, asked by ctl (pid {os.getpid()}, uid {os.getuid()})" in scene.server.log
    (tmp_path / "go on").touch()
    assert held.getresponse().status == 200
    assert scene.server.wait() == 0

    assert is_answered(scene.client) is None
    assert not scene.path.exists()


def test_an_arbiter_that_is_stuck_is_said_so_and_does_nothing_later(scene):
    suspend(scene.server.pid)
    try:
        with pytest.raises(Refused, match=r"the arbiter has not answered.*: nothing is done$"):
            scene.client.do("scale", 3)
        snapshot = scene.client.snapshot()
        assert snapshot["pid"] == scene.server.pid
        assert "is stopped (SIGSTOP" in snapshot["faults"][0]["text"]
    finally:
        os.kill(scene.server.pid, signal.SIGCONT)
    assert scene.client.do("scale", 2) == {"wanted": 2, "before": 2}


def test_a_command_that_its_client_has_stopped_waiting_for_is_not_carried_out(scene, monkeypatch):
    workers = {each["pid"] for each in scene.client.snapshot()["workers"]}
    (process,) = set(children_of(scene.server.pid)) - workers
    suspend(process)
    monkeypatch.setattr("hookserve_status.client._TIME", 0.2)
    try:
        with pytest.raises(Unreachable):
            scene.client.do("scale", 3)
    finally:
        os.kill(process, signal.SIGCONT)
    monkeypatch.undo()
    assert scene.client.do("scale", 2) == {"wanted": 2, "before": 2}


def test_how_long_the_arbiter_has_been_stuck_in_a_hook_is_read_and_a_metric(scene, tmp_path):
    (tmp_path / "hold").touch()
    os.kill(worker(scene, 0)["pid"], signal.SIGKILL)

    wait_until(lambda: scene.client.snapshot()["arbiter_overdue_seconds"] >= 0.5)

    _, body = scene.fetch("/metrics")
    (value,) = re.findall(r"^hookserve_arbiter_overdue_seconds (.*)$", body, re.MULTILINE)
    assert float(value) >= 0.5
    (tmp_path / "hold").unlink()
    wait_until(lambda: scene.client.snapshot()["arbiter_overdue_seconds"] < 0.5)


def test_a_worker_that_is_killed_is_named_with_its_cause(scene):
    pid = worker(scene, 0)["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: scene.client.snapshot()["exits"]["latest"])

    snapshot = scene.client.snapshot()

    assert snapshot["exits"]["by_kind"]["killed"] == 1
    assert any(f"(pid {pid}) was lost" in each["text"] for each in snapshot["faults"])


def test_many_clients_that_send_nothing_hold_the_status_up_only_for_a_time(scene):
    idle = [socket.create_connection(("127.0.0.1", scene.port)) for _ in range(12)]
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(scene.client.snapshot())) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(found) == 8
    for each in idle:
        each.close()
