"""The image and its containers, by podman.

A container has no network but its own loopback, no rights and nothing to write to.  Clients enter
its network by nsenter(1), so that the machine's network has no part in it.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hookserve.testing.waiting import wait_until
from tests.image.recipe import RECIPE, base
from tests.roll.network import ROOT
from tests.support.machine import lacking

TAG = "localhost/hookserve-recipe"
USER = "10001"
STOP_LIMIT = 30
"""Seconds from TERM to KILL, as the guide's `--stop-timeout`."""
_FILES = 1 << 20
"""How many open files podman allows a container by default."""
_PROGRAMS = ("podman", "nsenter", "curl")
_PULL_LIMIT, _BUILD_LIMIT, _LIMIT = 300, 600, 120
_OPTIONS = (
    *("--detach", "--network=none", "--read-only", "--cap-drop=all"),
    *("--security-opt=no-new-privileges", f"--stop-timeout={STOP_LIMIT}"),
)


def podman(*arguments, prefix=(), limit=_LIMIT):
    """What it writes.  Raises `AssertionError` with its errors."""
    command = [*prefix, "podman", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    assert done.returncode == 0, f"podman {arguments[0]}: {done.stderr.strip()}"
    return done.stdout.strip()


def missing():
    """What this machine lacks for the image, in one line; empty: nothing."""
    if absent := lacking(_PROGRAMS, "podman curl", "clients enter the containers' network"):
        return absent
    if subprocess.run(["podman", "image", "exists", base()]).returncode:
        try:
            podman("pull", "--quiet", base(), limit=_PULL_LIMIT)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            return f"no {base()}: {str(error).splitlines()[-1]}"
    return ""


def keep_to_limits(folder):
    """Have podman ask for no more than this process may give, which it otherwise does as root."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text())
    limits = {
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "nproc": min(resource.getrlimit(resource.RLIMIT_NPROC)[0], most),
    }
    if limits["nofile"] < _FILES and "CONTAINERS_CONF" not in os.environ:
        words = [f"{name}={limit}:{limit}" for name, limit in limits.items()]
        file = folder / "containers.conf"
        file.write_text(f"[containers]\ndefault_ulimits = {json.dumps(words)}\n")
        os.environ["CONTAINERS_CONF"] = str(file)


@dataclass(frozen=True, slots=True)
class Image:
    """What was built: sizes in bytes."""

    size: int
    own_size: int
    """Without the image that it starts from."""
    seconds: float


def build(folder):
    """Build the recipe, with wheels of this hookserve and of what it needs.

    They are made here: what is under test is in no index, and so the build needs no network.
    """
    context, wheels = folder / "context", folder / "wheels"
    context.mkdir()
    command = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", wheels, ROOT], check=True, timeout=_BUILD_LIMIT)
    shutil.copy(RECIPE, context)
    shutil.copy(ROOT / "tests" / "image" / "shop.py", context)
    (context / "requirements.txt").write_text("--no-index\n--find-links /wheels\nhookserve\n")
    began = time.monotonic()
    volume = f"--volume={wheels}:/wheels:ro"
    podman("build", "--quiet", volume, f"--tag={TAG}", str(context), limit=_BUILD_LIMIT)
    seconds = time.monotonic() - began
    sizes = [json.loads(podman("image", "inspect", each))[0]["Size"] for each in (TAG, base())]
    return Image(sizes[0], sizes[0] - sizes[1], seconds)


def remove_image():
    podman("image", "rm", "--force", TAG)


def curl(prefix, target, *options):
    """Start a request to an address and path; it writes the body, a line break and the status."""
    words = ["curl", "-s", "-m", "60", "-w", "\n%{http_code}", *options]
    return subprocess.Popen(
        [*prefix, *words, f"http://{target}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


class Container:
    """One that serves; `close` removes it."""

    outer = ()
    """What a command line begins with to be run where podman keeps its network."""
    stop_options = ()

    def __init__(self, *options):
        self._id = self._run(*options)
        try:
            wait_until(lambda: " ready" in self.log or not self.is_running)
            assert self.is_running, self.log
            self.pid = int(self._inspect("{{.State.Pid}}"))
            """Of its process 1, outside."""
        except AssertionError:
            self.close()
            raise

    def _run(self, *options):
        return self.podman("run", *_OPTIONS, *options, TAG)

    def podman(self, *words):
        return podman(*words, prefix=self.outer)

    def _inspect(self, template):
        return self.podman("inspect", "--format", template, self._id)

    @property
    def is_running(self):
        return self._inspect("{{.State.Running}}") == "true"

    @property
    def exit_code(self):
        return int(self._inspect("{{.State.ExitCode}}"))

    @property
    def log(self):
        """Standard output and standard error."""
        done = subprocess.run(["podman", "logs", self._id], capture_output=True, text=True)
        return done.stdout + done.stderr

    @property
    def prefix(self):
        """What a command line begins with to be run in its network."""
        return ["nsenter", f"--target={self.pid}", "--net", "--"]

    def curl(self, target, *options):
        """Start a request to a port and path."""
        return curl(self.prefix, f"127.0.0.1:{target}", *options)

    def get(self, target, *options, data=b""):
        """Status and body of a request to a port and path; `data` is the input of curl."""
        output, _ = self.curl(target, *options).communicate(data)
        body, _, status = output.decode().rpartition("\n")
        return int(status), body

    def kill(self, name):
        """Send its process 1 a signal."""
        self.podman("kill", f"--signal={name}", self._id)

    def may_write(self, folder):
        """Whether its user may write to a folder."""
        command = ["podman", "exec", self._id, "test", "-w", folder]
        return subprocess.run(command, capture_output=True).returncode == 0

    def stop(self):
        """Start to stop it, as an operator does."""
        command = [*self.outer, "podman", "stop", *self.stop_options, self._id]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.podman("rm", "--force", "--time=0", self._id)
