"""What happens to a container, in this order, while clients send requests."""

import functools
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from hookserve.testing.waiting import wait_until
from tests.chaos.driver import Driver
from tests.image.engine import STOP_LIMIT, USER, Container
from tests.roll.hosts import FILES
from tests.support.namespaces import states

PORT, HEALTH_PORT = 8000, 8081
SLOW = 12
"""Seconds of a request that is under way at TERM: podman and Docker wait 10 by default."""
LARGE = b"x" * (4 << 20)
"""A body that is not kept in memory."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a container is run."""

    options: tuple[str, ...]
    has_tmp: bool
    health_ports: tuple[int, ...] = (HEALTH_PORT,)


def _environment_of_kamal():
    clear = yaml.safe_load((FILES / "kamal.yml").read_text())["env"]["clear"]
    return [f"--env={name}={value}" for name, value in clear.items()]


KINDS = {
    "nothing to write to": Kind(("--read-only-tmpfs=false",), has_tmp=False),
    "a /tmp, Kamal's environment, --preload": Kind(
        (*_environment_of_kamal(), "--env=HOOKSERVE_PRELOAD_APP=true"),
        has_tmp=True,
        health_ports=(PORT, HEALTH_PORT),
    ),
}


@dataclass
class Scene:
    """What a phase acts on."""

    container: Container
    kind: Kind
    load: Driver
    notes: list[str] = field(default_factory=list)

    def wait(self, condition):
        """Wait for a condition while the load goes on."""
        wait_until(lambda: condition() or self.load.run_for(0.05), 30)


def serve(scene):
    """The container is what the guide says: rights, files, health, orphans."""
    container = scene.container
    status = Path(f"/proc/{container.pid}/status").read_text()
    found = dict(line.split(":\t", 1) for line in status.splitlines())
    assert found["NSpid"].split()[-1] == "1", found["NSpid"]
    assert set(found["Uid"].split()) == {USER}, found["Uid"]
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0, status
    assert found["NoNewPrivs"] == "1", status
    for place, is_writable in {"/srv/shop": False, "/": False, "/tmp": scene.kind.has_tmp}.items():
        assert container.may_write(place) is is_writable, place
    for port in scene.kind.health_ports:
        for path in ("startup", "ready", "live"):
            assert container.get(f"{port}/-/{path}")[0] == 200, f"port {port}, {path}"
    assert "WARNING" not in container.log, container.log


def send_a_large_body(scene):
    """It needs a /tmp; without one its client is told, and the server serves on."""
    status, body = scene.container.get(f"{PORT}/", "--data-binary", "@-", data=LARGE)
    if scene.kind.has_tmp:
        assert (status, body) == (200, f"{len(LARGE)} {USER}\n"), body
    else:
        assert status == 503, body
        assert "cannot store the request body" in scene.container.log, scene.container.log
    scene.notes.append(f"status {status}")


def leave_orphans(scene):
    """Children whose parent has ended become process 1's, which reaps them."""
    before = len(states(scene.container.pid))
    for _ in range(5):
        assert scene.container.get(f"{PORT}/?orphan=1")[0] == 200
    scene.wait(lambda: len(states(scene.container.pid)) == before)
    assert "Z" not in states(scene.container.pid)


def reload(scene):
    """HUP: new workers, of the same code."""
    scene.container.kill("HUP")
    scene.wait(lambda: "reloaded: generation 2" in scene.container.log)
    scene.wait(lambda: "is gone: drained" in scene.container.log)


def ask_for_an_upgrade(scene):
    """USR2: a container is replaced instead."""
    scene.container.kill("USR2")
    scene.wait(lambda: "USR2: nothing is done, this is process 1" in scene.container.log)
    scene.notes.append("refused")


def stop(scene):
    """TERM: it serves while the drain delay passes, and finishes what is under way."""
    container = scene.container
    with container.curl(f"{PORT}/?seconds={SLOW}") as slow:
        scene.load.run_for(1)
        began = time.monotonic()
        scene.load.announce_stop()
        with container.stop() as stopping:
            scene.wait(lambda: container.get(f"{HEALTH_PORT}/-/ready")[0] == 503)
            assert container.get(f"{PORT}/")[0] == 200, "it accepts while the drain delay passes"
            scene.wait(functools.partial(_has_ended, stopping))
        seconds = time.monotonic() - began
        assert slow.communicate()[0].endswith(b"\n200"), "the slow request has no response"
    assert container.exit_code == 0, f"exit code {container.exit_code}:\n{container.log}"
    assert seconds < STOP_LIMIT, f"KILL after {seconds:.0f} s"
    scene.notes.append(f"exit code 0 after {seconds:.1f} s, a request of {SLOW} s answered")


def _has_ended(process):
    return process.poll() is not None


PHASES = {
    "serving": serve,
    "a body of 4 MiB": send_a_large_body,
    "children without a parent": leave_orphans,
    "`podman kill -s HUP`": reload,
    "`podman kill -s USR2`": ask_for_an_upgrade,
    "`podman stop`": stop,
}
