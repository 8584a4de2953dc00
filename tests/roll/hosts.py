"""The three hosts, each with the server, its unit and the releases; and the load balancer."""

import contextlib
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

from hookserve.testing.suspending import suspend, suspended
from tests.roll.network import ROOT

FILES = ROOT / "examples" / "deploy"
"""What the guide shows: the roll runs these."""
PORT, BALANCED = 8000, 8080
_MANAGER = [sys.executable, "-m", "tests.roll.manager"]
_LIMIT = 30.0


def wait_for(condition, what, limit=_LIMIT):
    """Wait until a condition holds.  Raises `AssertionError` after the limit, in seconds."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {limit:g} s"
        time.sleep(0.05)


def _with_children(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *map(int, children.split())]


class Machine:
    """A host that serves."""

    def __init__(self, host, folder, behind):
        self.host = host
        self.folder = folder / host.name
        """What the host has as /srv."""
        self._lay_out(behind)
        self._manager = host.start(*_MANAGER, "serve", f"{FILES}/shop.service", cwd=ROOT)
        wait_for(lambda: self._ask("show", "--property=MainPID", "--value"), "a manager")
        self.manage("start", "shop")

    def _lay_out(self, behind):
        shop = self.folder / "shop"
        release = shop / "releases" / "r0"
        release.mkdir(parents=True)
        shutil.copy(FILES / "shop.py", release)
        text = (FILES / "hookserve.toml").read_text()
        (shop / "hookserve.toml").write_text(text.replace('"haproxy"', f'"{behind}"'))
        (shop / "current").symlink_to("releases/r0")
        (shop / "venv").symlink_to(sys.prefix)
        programs = self.folder / "bin"
        programs.mkdir()
        (programs / "systemctl").write_text(
            f'#!/bin/sh\ncd {ROOT} && exec {" ".join(_MANAGER)} "$@"\n'
        )
        (programs / "systemctl").chmod(0o755)
        self.host.mount(self.folder, "/srv")
        self.host.mount_empty("/run")

    def _ask(self, *words):
        return self.host.run("/srv/bin/systemctl", *words, check=False)

    def manage(self, *words):
        """As `systemctl` does."""
        return self.host.run("/srv/bin/systemctl", *words)

    @property
    def arbiter(self):
        """Its process id; 0: there is none."""
        return int(self._ask("show", "--property=MainPID", "--value", "shop") or 0)

    def serves(self):
        """The release that it serves; empty: it does not."""
        url = f"http://127.0.0.1:{PORT}/"
        return self.host.run("curl", "-s", "-m", "2", url, check=False).strip()

    def held(self):
        """How many connections it has; each may have a request under way."""
        return self.host.connections(PORT)

    def kill_all(self):
        """Kill the server, with all that it has started, and wait until all are gone: a listener of
        one that is ending still accepts.  How many connections it had then."""
        stopped = _with_children(self.arbiter)
        for pid in stopped:
            suspend(pid)  # so that none notices the end of another
        held = self.held()
        with contextlib.ExitStack() as stack:
            killed = [stack.enter_context(open(os.pidfd_open(pid), "rb", 0)) for pid in stopped]
            for pid in stopped:
                os.kill(pid, signal.SIGKILL)
            for each in killed:
                select.select([each], [], [], _LIMIT)
        return held

    @property
    def log(self):
        return self.host.run("cat", "/run/shop.log", check=False)

    def close(self):
        with contextlib.suppress(AssertionError):
            self.manage("stop", "shop")
        self._manager.terminate()
        self._manager.wait()


class _Balancer:
    """A load balancer that runs."""

    name = ""

    def __init__(self, host, folder):
        self._log = open(folder / f"{self.name}.log", "ab")
        command = self.command(folder)
        self._process = host.start(*command, stdout=self._log, stderr=self._log)

    def command(self, folder):
        raise NotImplementedError

    @contextlib.contextmanager
    def suspended(self):
        """It opens no connection and sends nothing meanwhile."""
        with suspended(_with_children(self._process.pid)):
            yield

    def close(self):
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._log.close()


class HAProxy(_Balancer):
    """The load balancer of the guide, with its checks."""

    name = "haproxy"

    def command(self, folder):
        return "haproxy", "-db", "-f", str(FILES / "haproxy.cfg")


def nginx_configuration(folder):
    """A file that includes the guide's; all that nginx writes is in the folder."""
    path = folder / "nginx.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    path.write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
        "events { worker_connections 768; }\n"
        f"http {{\n{temporary}access_log off;\ninclude {FILES}/nginx.conf;\n}}\n"
    )
    return path


class Nginx(_Balancer):
    """As Debian's is configured, with the guide's file in the block http."""

    name = "nginx"

    def command(self, folder):
        return "nginx", "-c", str(nginx_configuration(folder)), "-e", "stderr"


BALANCERS = {each.name: each for each in (HAProxy, Nginx)}


def is_balanced(balancer):
    """Whether the load balancer answers."""
    url = f"http://127.0.0.1:{BALANCED}/"
    return balancer.run("curl", "-sf", "-m", "2", url, check=False) != ""


@contextlib.contextmanager
def machines(hosts, folder: Path, behind):
    """All of them, serving."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name, host in hosts.items():
            found[name] = stack.enter_context(contextlib.closing(Machine(host, folder, behind)))
        yield found
