"""Sockets that a service manager hands over, through reloads and upgrades."""

import os
import signal
import sys
from pathlib import Path

import httpx
import pytest
from support.paths import SUPPORT

from hookserve.testing import serve, wait_until
from tests.chaos.scene import opened_by

# What systemd does between fork(2) and exec(2): the socket is descriptor 3, the pid is known.
MANAGER = f"""#!{sys.executable}
import os, socket, sys
channel = os.dup(int(os.environ["TEST_ANNOUNCE_FD"]))
listening = socket.create_server(("127.0.0.1", 0))
os.dup2(channel, 10)
os.dup2(listening.fileno(), 3)
os.environ.update(TEST_ANNOUNCE_FD="10", LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def manager(tmp_path):
    path = tmp_path / "manager"
    path.write_text(MANAGER)
    path.chmod(0o755)
    return str(path)


def activated(manager, **settings):
    return serve(
        "applications:hello",
        python=manager,
        bind=None,
        chdir=SUPPORT,
        settings=settings,
    )


def test_what_a_service_manager_hands_over_is_served(manager):
    with activated(manager) as server:
        assert httpx.get(server.url).status_code == 200
        assert listening(server.pid) == 1


@pytest.mark.parametrize("preload", [False, True])
def test_it_stays_through_reloads(manager, preload):
    with activated(manager, preload_app=preload) as server:
        address = server.address
        for generation in (2, 3):
            server.signal(signal.SIGHUP)
            server.wait_for("ready", lambda event, wanted=generation: event["generation"] == wanted)
            server.wait_for("exit", count=generation - 1)

            assert httpx.get(server.url).status_code == 200
        assert server.address == address
        assert listening(server.pid) == 1


def test_it_is_handed_to_a_successor_and_to_the_successor_of_that(manager):
    with activated(manager) as server:
        pids = [server.pid]
        for count in (2, 3):
            os.kill(pids[-1], signal.SIGUSR2)
            pids.append(server.wait_for("listening", count=count)["pid"])
            server.wait_for("ready", count=count)
            os.kill(pids[-2], signal.SIGTERM)
            server.wait_for("exit", count=count - 1)
            wait_until(lambda: server.log.count("the upgrade is complete") == len(pids) - 1)

            assert httpx.get(server.url).status_code == 200
        assert listening(pids[-1]) == 1
        os.kill(pids[-1], signal.SIGTERM)
        server.wait_for("exit", count=3)


def listening(pid):
    """How many descriptors of TCP sockets the arbiter holds."""
    inodes = {line.split()[9] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    links = opened_by(pid).values()
    return sum(link.removeprefix("socket:[").rstrip("]") in inodes for link in links)
