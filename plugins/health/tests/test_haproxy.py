"""Two servers behind HAProxy, restarted one after the other under load: nothing is lost.

The configuration is that of the guide, with the addresses of the test.
"""

import re
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path
from time import monotonic

import pytest

from hookserve.testing import serve, wait_until
from hookserve.testing.contract.client import ask

pytestmark = [
    pytest.mark.process,
    pytest.mark.everywhere,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed"),
]
GUIDE = Path(__file__).parents[3] / "docs" / "guide" / "health-checks.md"
APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
FRONT = """
global
    stats socket {folder}/stats
defaults
    mode http
    timeout client 10s
    timeout server 10s
    timeout connect 2s
frontend shop
    bind 127.0.0.1:{port}
    default_backend shop
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def configuration(folder, port, servers):
    """That of the guide, with shorter intervals and these ports; nothing is tried twice.

    The agent-check is much quicker than the other one, which brings a server back.
    """
    text = with_ports(folder, port, servers).replace("    option redispatch 1\n", "")
    text = text.replace("agent-inter 1s", "agent-inter 100ms").replace(" inter 2s", " inter 1s")
    return text.replace("defaults\n", "defaults\n    retries 0\n")


def with_ports(folder, port, servers):
    """That of the guide, with these ports."""
    text = re.search(r'title="haproxy.cfg"\n(.*?)```', GUIDE.read_text(), re.DOTALL)[1]
    for (name, host), (main, health, agent) in zip(
        (("one", "10.0.0.5"), ("two", "10.0.0.6")), servers, strict=True
    ):
        line = f"server {name} {host}:8000 check port 8081 agent-check agent-port 8082"
        assert line in text
        ours = f"server {name} 127.0.0.1:{main} check port {health} agent-check agent-port {agent}"
        text = text.replace(line, ours)
    return FRONT.format(folder=folder, port=port) + text


class Clients(threading.Thread):
    """Sends requests one after another; `lost` is what was not answered 200."""

    def __init__(self, address):
        super().__init__()
        self.address, self.count, self.lost, self.ends = address, 0, [], threading.Event()
        self.start()

    def run(self):
        while not self.ends.is_set():
            try:
                status = ask(self.address).status
            except OSError as error:
                status = repr(error)
            self.count += 1
            if status != 200:
                self.lost.append(status)


def is_up(folder, name):
    """Whether HAProxy sends that server requests."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{folder}/stats")
        client.sendall(b"show stat\n")
        rows = client.makefile().read().splitlines()
    (row,) = (row for row in rows if row.startswith(f"shop,{name},"))
    return row.split(",")[17] == "UP"


def serving(site, ports):
    main, health, agent = ports
    settings = {
        "drain_delay": 4.0,
        "health_bind": f"127.0.0.1:{health}",
        "health_agent_bind": f"127.0.0.1:{agent}",
    }
    return serve("app", chdir=site, bind=f"127.0.0.1:{main}", settings=settings)


def test_a_rolling_restart_behind_haproxy_loses_no_request(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    front, *rest = free_ports(7)
    servers = [rest[:3], rest[3:]]
    config = tmp_path / "haproxy.cfg"
    config.write_text(configuration(tmp_path, front, servers))
    running = [serving(tmp_path, ports) for ports in servers]
    started = [each.__enter__() for each in running]
    with subprocess.Popen(["haproxy", "-q", "-f", config]) as haproxy:
        try:
            wait_until(lambda: (tmp_path / "stats").exists())
            for name in ("one", "two"):
                wait_until(lambda name=name: is_up(tmp_path, name))
            clients = [Clients(("127.0.0.1", front)) for _ in range(4)]
            for number in (0, 1):
                started[number].signal(signal.SIGTERM)
                assert started[number].wait() == 0
                running[number].__exit__(None, None, None)
                running[number] = serving(tmp_path, servers[number])
                started[number] = running[number].__enter__()
                # As a playbook does: HAProxy has not noticed yet that it is back.
                health = ("127.0.0.1", servers[number][1])
                wait_until(lambda health=health: ask(health, "/-/ready").status == 200)
            for each in clients:
                each.ends.set()
                each.join()
        finally:
            haproxy.terminate()
            for each in running:
                each.__exit__(None, None, None)

    assert [each.lost for each in clients] == [[]] * 4
    assert sum(each.count for each in clients) > 500


def test_requests_go_to_the_other_server_until_a_dead_one_is_noticed(tmp_path):
    (tmp_path / "app.py").write_text(APPLICATION)
    front, dead, *ports = free_ports(5)
    config = tmp_path / "haproxy.cfg"
    # The checks of both ask the one that serves: so HAProxy has noticed nothing yet.
    config.write_text(with_ports(tmp_path, front, [(dead, *ports[1:]), ports]))
    with serving(tmp_path, ports), subprocess.Popen(["haproxy", "-q", "-f", config]) as haproxy:
        try:
            wait_until(lambda: (tmp_path / "stats").exists())
            began = monotonic()
            statuses = [ask(("127.0.0.1", front)).status for _ in range(4)]
            took = monotonic() - began
            assert is_up(tmp_path, "one")
        finally:
            haproxy.terminate()

    assert statuses == [200] * 4
    assert took < 2  # without a wait between two attempts, of one second by default
