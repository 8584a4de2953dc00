"""A running server, seen from outside."""

import json
import os
import re
import signal
import socket
import stat
import time

import pytest
from hookserve_status.client import Refused, Unreachable
from hookserve_status.http_connection import CLIENT_TIME
from support.processes import children_of
from support.status import worker

from hookserve.testing import wait_until
from hookserve.testing.suspending import suspended

pytestmark = pytest.mark.process


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
    assert (
        "Every place is busy (2 of 2), and 1 connection waits (more workers or threads serve more)."
        in [each["text"] for each in snapshot["faults"]]
    )
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
    assert scene.client.snapshot()["reload"]["ended"] == 0


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
    assert scene.client.snapshot()["reload"]["ended"] == 0

    for host in ("localhost:9100", "127.0.0.1:9100", "[::1]:9100", "status", ""):
        assert scene.fetch_at_socket(Host=host) == 200


def test_an_arbiter_that_is_stuck_is_said_so_and_does_nothing_later(scene):
    with suspended([scene.server.pid]):
        with pytest.raises(Refused, match=r"the arbiter has not answered.*: nothing is done$"):
            scene.client.do("scale", 3)
        snapshot = scene.client.snapshot()
        assert snapshot["pid"] == scene.server.pid
        assert "is stopped (SIGSTOP" in snapshot["faults"][0]["text"]
    assert scene.client.do("scale", 2) == {"wanted": 2, "before": 2}


def test_a_command_that_its_client_has_stopped_waiting_for_is_not_carried_out(scene, monkeypatch):
    workers = {each["pid"] for each in scene.client.snapshot()["workers"]}
    (process,) = set(children_of(scene.server.pid)) - workers
    monkeypatch.setattr("hookserve_status.client._TIME", 0.2)
    with suspended([process]), pytest.raises(Unreachable):
        scene.client.do("scale", 3)
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


def test_clients_of_the_port_that_send_no_whole_request_hold_no_other_up(scene):
    slow = [socket.create_connection(("127.0.0.1", scene.port)) for _ in range(40)]
    for each in slow:
        each.sendall(b"GET / HTTP/1.1\r\nX: ")
    began = time.monotonic()

    for _ in range(3):
        assert scene.client.snapshot()
        assert scene.fetch()[0].status == 200

    assert time.monotonic() - began < 0.8 * CLIENT_TIME
    for each in slow:
        each.close()
