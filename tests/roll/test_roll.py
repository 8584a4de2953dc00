"""What `make roll` is made of; the hosts themselves need root, and minutes."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

from hookserve.testing.waiting import wait_until
from tests.chaos.driver import Outcome
from tests.chaos.load import Connection
from tests.roll import network, report
from tests.roll.network import ROOT
from tests.roll.relay import relay
from tests.roll.roll import Row


def outcome(failures=0, counts=()):
    return Outcome(5000, failures, dict(counts), [], 0.0123, 1.0, 0, 0, 0.0, 10.0)


def test_a_packet_is_delivered_late_and_in_order():
    one, left = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    right, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    carrying = threading.Thread(target=relay, args=(left.fileno(), right.fileno(), 0.1))
    carrying.start()
    with one, other, left, right:
        began = time.monotonic()
        one.send(b"first")
        one.send(b"second")
        other.send(b"back")

        assert (other.recv(100), other.recv(100), one.recv(100)) == (b"first", b"second", b"back")
        assert time.monotonic() - began >= 0.1
        one.close()
        carrying.join()


def test_clients_of_both_methods_send_what_they_say():
    get, post = (Connection("kept", method).request for method in ("GET", "POST"))

    assert get == b"GET / HTTP/1.1\r\nHost: chaos\r\n\r\n"
    assert post.startswith(b"POST / HTTP/1.1\r\n")
    assert post.endswith(b"\r\nContent-Length: 6\r\n\r\nposted")
    assert b"Connection: close\r\n" in Connection("fresh", "GET").request


@pytest.mark.parametrize(
    ("lost", "allowed", "problem", "verdict"),
    [
        (0, 0, "", ""),
        (3, 3, "", ""),
        (4, 3, "", "4 lost, 3 allowed: {'status 503 (kept)': 4}"),
        (0, 0, "the playbook failed:\nPLAY", "the playbook failed:"),
    ],
)
def test_a_row_is_good_when_nothing_is_lost_beyond_what_a_killed_host_held(
    lost, allowed, problem, verdict
):
    counts = {"status 503 (kept)": lost} if lost else {}
    row = Row("nginx", "rolling restart", outcome(lost, counts), allowed, "", problem)

    assert row.verdict == verdict
    assert (f"**{verdict}**" if verdict else "|  |") in report.line(row)


def test_a_row_without_an_outcome_is_never_good():
    assert Row("nginx", "nothing", None, 0, "", "").verdict


def test_the_table_counts_all_requests():
    rows = [Row("nginx", "nothing", outcome(2), 2, "", ""), Row("nginx", "x", None, 0, "", "y")]

    assert report.total(rows) == "5,000 requests, 2 lost."
    assert report.line(rows[0]) == "| nginx | nothing | 5,000 | 2 | 2 | 12 | 10 |  |"


def test_what_the_machine_lacks_is_one_line(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert network.missing() == "needs Linux, and root (network namespaces, mounts)"

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "haproxy" else name)
    assert network.missing().startswith("not installed: haproxy (apt install")


SERVICE = """
import os, signal, socket, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
    if not os.path.exists("broken"):
        notified.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    else:
        sys.exit(1)
signal.pause()
"""


UNIT = """
[Service]
ExecStart={python} service.py
WorkingDirectory={folder}
TimeoutStartSec=20
TimeoutStopSec=20
Restart=on-failure
"""


@pytest.mark.process
def test_the_manager_starts_stops_and_restarts_a_service(tmp_path, monkeypatch):
    monkeypatch.setenv("MANAGER_RUN", str(tmp_path))
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "unit").write_text(UNIT.format(python=sys.executable, folder=tmp_path))
    command = [sys.executable, "-m", "tests.roll.manager"]

    def ask(*words):
        done = subprocess.run([*command, *words], cwd=ROOT, capture_output=True, text=True)
        return done.stdout + done.stderr

    def main():
        return ask("show", "--property=MainPID", "--value", "shop")

    serving = subprocess.Popen([*command, "serve", tmp_path / "unit"], cwd=ROOT)
    try:
        wait_until((tmp_path / "manager.sock").exists)
        assert ask("start", "shop") == ""
        first = main()
        assert ask("restart", "shop") == ""
        assert main() not in ("0\n", first)
        second = main()
        ask("kill", "--kill-whom=main", "-s", "KILL", "shop")
        wait_until(lambda: main() not in ("0\n", second))
        (tmp_path / "broken").touch()
        assert ask("restart", "shop") == "the service did not start\n"
        assert main() == "0\n"
    finally:
        ask("stop", "shop")
        serving.terminate()
        assert serving.wait(20) == 0
