"""What a service manager receives from real servers."""

import itertools
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

import pytest

from hookserve.testing import serve, wait_until
from hookserve.testing.waiting import DEADLINE
from hookserve.wording import counted
from tests.support import web

pytestmark = pytest.mark.process

APPLICATION = """
import os, time
while os.path.exists("hold"):
    time.sleep(0.01)
{}
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

# What systemd does between fork(2) and exec(2): the watchdog's variables name the process.
WATCHER = f"""#!{sys.executable}
import os, sys
os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Manager:
    """systemd's side of the socket."""

    def __init__(self, path):
        self.address = str(path)
        self.messages = []
        """Each a pair: who sent it, and what it says."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(self.address)

    def close(self):
        self._socket.close()

    def collect(self, timeout=0.0):
        """Read what has arrived; waits for one message."""
        self._socket.settimeout(timeout)
        try:
            while True:
                data, ancillary, _, _ = self._socket.recvmsg(4096, 64)
                sender = struct.unpack_from("i", ancillary[0][2])[0]
                message = dict(line.split("=", 1) for line in data.decode().splitlines())
                self.messages.append((sender, message))
                self._socket.settimeout(0.0)
        except (BlockingIOError, TimeoutError):
            pass

    def wait_for(self, condition, count=1):
        """The `count`-th message that satisfies the condition: sender and contents."""
        deadline = time.monotonic() + DEADLINE
        while True:
            found = [each for each in self.messages if condition(each[1])]
            if len(found) >= count:
                return found[count - 1]
            left = deadline - time.monotonic()
            assert left > 0, self.messages
            self.collect(left)

    def received(self, name):
        """The values under a name, in order."""
        self.collect()
        return [message[name] for _, message in self.messages if name in message]

    def states(self):
        """The changes of state, in order."""
        self.collect()
        names = ("READY", "RELOADING", "STOPPING", "MAINPID")
        return [
            next(name for name in names if name in message)
            for _, message in self.messages
            if any(name in message for name in names)
        ]


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path / "notify")
    yield manager
    manager.close()


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    write(folder)
    return folder


def write(site, line=""):
    (site / "app.py").write_text(APPLICATION.format(line))


def notifying(manager, site, environ=None, **options):
    return serve(
        "app", chdir=site, environ={"NOTIFY_SOCKET": manager.address, **(environ or {})}, **options
    )


def is_ready(message):
    return message.get("READY") == "1"


def test_without_a_socket_nothing_is_sent(site):
    source = "def worker_ready(server): open('ticks', 'w').write(repr(server.ticker.due(0.0)))\n"
    (site / "hookserve.conf.py").write_text(source)
    with serve("app", chdir=site):
        assert (site / "ticks").read_text() == "None"


def test_it_is_ready_when_the_first_worker_is_and_not_before(manager, site):
    (site / "hold").touch()
    with notifying(manager, site, workers=2, wait=False) as server:
        manager.wait_for(
            lambda message: message.get("STATUS", "").startswith("0 of 2 workers ready")
        )
        assert manager.states() == []

        (site / "hold").unlink()
        sender, message = manager.wait_for(is_ready)
        manager.wait_for(
            lambda message: message["STATUS"] == "2 of 2 workers ready, 0 requests served"
        )

        assert sender == server.pid
        assert message["MAINPID"] == str(server.pid)
        assert message["STATUS"] == "1 of 2 workers ready, 0 requests served"
        assert manager.states() == ["READY"]


def test_the_end_is_sent_once(manager, site):
    with notifying(manager, site) as server:
        manager.wait_for(is_ready)
        server.signal(signal.SIGTERM)
        server.stop()

    assert manager.states() == ["READY", "STOPPING"]


def test_the_status_tells_of_workers_and_requests_when_they_change(manager, site):
    with notifying(manager, site, settings={"tick_interval": 0.05}) as server:
        for _ in range(3):
            web.get(server.url)
        manager.wait_for(lambda message: message["STATUS"].endswith("3 requests served"))
        os.kill(server.workers()[0], signal.SIGKILL)
        manager.wait_for(lambda message: message["STATUS"].startswith("0 of 1 worker ready"))
        server.wait_for("ready", count=2)
        server.signal(signal.SIGTTIN)
        manager.wait_for(lambda message: message["STATUS"].startswith("2 of 2 workers ready"))

        statuses = manager.received("STATUS")
        assert all(one != other for one, other in itertools.pairwise(statuses))


@pytest.mark.parametrize("preload", [False, True])
def test_a_reload_begins_and_ends(manager, site, preload):
    with notifying(manager, site, workers=2, settings={"preload_app": preload}) as server:
        manager.wait_for(is_ready)
        for count in (2, 3):
            before = time.monotonic_ns() // 1000
            server.signal(signal.SIGHUP)
            _, message = manager.wait_for(lambda message: "RELOADING" in message, count=count - 1)
            manager.wait_for(is_ready, count=count)

            assert before <= int(message["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
            server.wait_for("exit", count=2 * (count - 1))
        assert manager.states() == ["READY", "RELOADING", "READY", "RELOADING", "READY"]
        assert {sender for sender, _ in manager.messages} == {server.pid}


@pytest.mark.parametrize("preload", [False, True])
def test_a_reload_of_broken_code_ends_too_and_the_status_says_why(manager, site, preload):
    with notifying(manager, site, settings={"preload_app": preload}) as server:
        manager.wait_for(is_ready)
        write(site, "raise RuntimeError('half a deployment')")
        server.signal(signal.SIGHUP)
        _, message = manager.wait_for(is_ready, count=2)

        assert "1 of 1 worker ready" in message["STATUS"]
        assert "the last reload failed: " in message["STATUS"]
        assert "half a deployment" in message["STATUS"]

        write(site)
        server.signal(signal.SIGHUP)
        _, message = manager.wait_for(is_ready, count=3)
        assert "failed" not in message["STATUS"]


def test_a_reload_that_fails_before_it_begins_is_reported_as_one(manager, site):
    with notifying(manager, site) as server:
        manager.wait_for(is_ready)
        (site / "hookserve.conf.py").write_text("workers = 'several'\n")
        server.signal(signal.SIGHUP)
        manager.wait_for(is_ready, count=2)

        assert manager.states() == ["READY", "RELOADING", "READY"]


def test_an_upgrade_moves_the_main_process_and_back(manager, site):
    with notifying(manager, site, settings={"tick_interval": 0.05}) as server:
        manager.wait_for(is_ready)
        server.signal(signal.SIGUSR2)
        successor = server.wait_for("listening", count=2)["pid"]
        handed = manager.wait_for(lambda message: message.get("MAINPID") == str(successor))
        taken = manager.wait_for(is_ready, count=2)
        assert (handed[0], taken[0]) == (server.pid, successor)

        os.kill(successor, signal.SIGTERM)
        given_back = manager.wait_for(
            lambda message: message.get("MAINPID") == str(server.pid) and "READY" not in message
        )
        again = manager.wait_for(is_ready, count=3)

        assert (given_back[0], again[0]) == (successor, server.pid)
        server.stop()
        assert manager.states()[-1] == "STOPPING"
        assert manager.states().count("STOPPING") == 1


def test_an_upgrade_goes_on_without_the_predecessor(manager, site):
    with notifying(manager, site, settings={"tick_interval": 0.05}) as server:
        server.signal(signal.SIGUSR2)
        successor = server.wait_for("listening", count=2)["pid"]
        manager.wait_for(is_ready, count=2)
        server.stop()
        assert "STOPPING" not in manager.states()

        os.kill(successor, signal.SIGHUP)
        manager.wait_for(lambda message: "RELOADING" in message)
        manager.wait_for(is_ready, count=3)
        os.kill(successor, signal.SIGTERM)
        sender, _ = manager.wait_for(lambda message: "STOPPING" in message)

        assert sender == successor


def test_a_predecessor_that_stops_too_early_leaves_the_service_to_its_successor(manager, site):
    with notifying(manager, site, settings={"tick_interval": 0.05}) as server:
        manager.wait_for(is_ready)
        (site / "hold").touch()
        server.signal(signal.SIGUSR2)
        successor = server.wait_for("listening", count=2)["pid"]
        server.stop()
        (site / "hold").unlink()
        manager.wait_for(is_ready, count=2)

        assert manager.states() == ["READY", "MAINPID", "READY"]
        os.kill(successor, signal.SIGTERM)
        manager.wait_for(lambda message: "STOPPING" in message)


def test_the_watchdog_is_fed_by_reloads_and_successors_alike(manager, site, tmp_path):
    watcher = tmp_path / "watcher"
    watcher.write_text(WATCHER)
    watcher.chmod(0o755)
    environ = {"WATCHDOG_USEC": "200000"}
    settings = {"tick_interval": 3600}
    options = {"environ": environ, "python": str(watcher), "settings": settings}
    with notifying(manager, site, **options) as server:
        wait_for_life(manager, server.pid)
        server.signal(signal.SIGHUP)
        manager.wait_for(is_ready, count=2)
        wait_for_life(manager, server.pid)
        server.signal(signal.SIGUSR2)
        successor = server.wait_for("listening", count=2)["pid"]
        wait_for_life(manager, successor)
        server.stop()
        os.kill(successor, signal.SIGUSR2)
        last = server.wait_for("listening", count=3)["pid"]
        wait_for_life(manager, last)
        os.kill(successor, signal.SIGTERM)
        wait_until(lambda: server.log.count("the upgrade is complete") == 2)
        os.kill(last, signal.SIGTERM)
        manager.wait_for(lambda message: "STOPPING" in message)


def test_a_preloaded_application_is_loaded_with_all_the_time_that_the_watchdog_allows(
    manager, site
):
    environ = {"WATCHDOG_USEC": "7200000000"}
    settings = {"preload_app": True}
    with notifying(manager, site, environ=environ, settings=settings) as server:
        manager.wait_for(lambda message: "WATCHDOG" in message)
        server.signal(signal.SIGHUP)
        manager.wait_for(is_ready, count=2)

        order = [
            next(name for name in ("WATCHDOG", "RELOADING", "READY", "STATUS") if name in message)
            for _, message in manager.messages
        ]
        begun = order.index("RELOADING")
        assert order[begun + 1] == "WATCHDOG"
        assert order.count("WATCHDOG") == 3


def wait_for_life(manager, pid):
    """Wait for three more signs of life of a process."""
    manager.collect()
    seen = len(manager.messages)
    deadline = time.monotonic() + DEADLINE
    while [sender for sender, message in manager.messages[seen:] if "WATCHDOG" in message].count(
        pid
    ) < 3:
        assert time.monotonic() < deadline, manager.messages
        manager.collect(1.0)


def test_the_watchdog_of_another_process_is_not_fed(manager, site):
    environ = {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}
    settings = {"tick_interval": 0.05}
    with notifying(manager, site, environ=environ, settings=settings) as server:
        for count in range(1, 6):
            web.get(server.url)
            wanted = f"{counted(count, 'request')} served"
            manager.wait_for(lambda message, wanted=wanted: message["STATUS"].endswith(wanted))

        assert manager.received("WATCHDOG") == []


def test_a_manager_that_is_gone_does_not_matter(manager, site):
    Path(manager.address).unlink()
    with notifying(manager, site, settings={"tick_interval": 0.05}) as server:
        for _ in range(3):
            assert web.get(server.url).text == "ok"
        server.signal(signal.SIGTTIN)
        server.wait_for("ready", count=2)

        assert server.stop() == 0
        assert server.log.count("cannot notify the service manager") == 1
