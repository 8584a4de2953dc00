"""One model under one attack: the server, the attacker, the visitor, and what is measured."""

import contextlib
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from hookserve.testing import serve
from tests.hostile import websocket_attacks
from tests.hostile.attacker import ATTACKS, IDLE
from tests.support.columns import columns_of

ROOT = Path(__file__).parents[2]
MODELS = columns_of("tests.hostile")
LIMIT = 0.05
RATE = 50.0
SLOW = {
    "slowhttptest -H": ["-H", "-i", "5", "-x", "24", "-t", "GET", "-u", "{}/"],
    "slowhttptest -B": ["-B", "-i", "5", "-x", "10", "-s", "8192", "-t", "POST", "-u", "{}/read"],
    "slowhttptest -X": ["-X", "-w", "256", "-y", "512", "-n", "5", "-z", "32", "-u", "{}/page"],
    "-X, large": ["-X", "-w", "256", "-y", "512", "-n", "5", "-z", "32", "-u", "{}/large"],
}
"""slowhttptest's modes, each with a thousand connections."""
NAMES = ("nothing", *SLOW, *ATTACKS)
SETTINGS = {
    "idle": {"worker_connections": IDLE + 1000, "header_timeout": 300, "keepalive": 300},
    "blanks": {"client_header": "Forwarded"},
}
"""What an attack needs; all other settings have their defaults."""


@dataclass
class Result:
    """What the visitor met, and what the server needed."""

    model: str
    attack: str
    latencies: list[float]
    failures: list[str]
    before: int
    """Proportional set size of all the server's processes, in bytes."""
    most: int
    lost: int
    """Workers that ended."""
    held: int = 0
    """The most descriptors of its processes at once."""
    details: dict = field(default_factory=dict)
    log: str = ""
    turns: int = 1
    """How often the attack was tried until it was survived."""

    def percentile(self, share):
        """In seconds; infinite when nothing was asked."""
        found = sorted(self.latencies)
        return found[min(len(found) - 1, math.ceil(len(found) * share) - 1)] if found else math.inf

    @property
    def problem(self):
        """What must not be, whatever the machine; empty when all is well."""
        late = self.details.get("outcomes", {}).get("late", 0)
        if self.failures:
            return f"{len(self.failures)} failures: {self.failures[0]}"
        if self.lost:
            return f"{self.lost} workers ended"
        if self.attack == "idle" and self.held < IDLE * 0.9:
            return f"only {self.held} connections were there"
        return f"{late} were not answered at once" if late else ""

    @property
    def is_late(self):
        """Whether the visitor's latency is what it must not be."""
        return self.percentile(0.99) >= LIMIT

    @property
    def verdict(self):
        """As `problem`, and the latency."""
        return self.problem or (f"p99 over {LIMIT * 1000:.0f} ms" if self.is_late else "")


def run_in_turns(model, attack, seconds, turns):
    """As `run`, the best of so many turns: the machine has other things to do, too.

    A turn that fails otherwise than by its latency is the last one.
    """
    results = []
    while not results or (len(results) < turns and results[-1].is_late):
        results.append(run(model, attack, seconds))
        if results[-1].problem:
            break
    best = (
        results[-1] if results[-1].problem else min(results, key=lambda each: each.percentile(0.99))
    )
    best.turns = len(results)
    return best


def run(model, attack, seconds):
    """Serve with two workers, attack for some seconds, and answer what was met."""
    settings = {"threads": 4} if model == "gthread" else {}
    settings |= SETTINGS.get(attack, {})
    worker, application = MODELS[model]
    with (
        serve(
            application,
            worker=worker,
            workers=2,
            settings=settings,
            environ={"PYTHONPATH": str(ROOT)},
            chdir=ROOT,
        ) as server,
        _visitor(server) as visitor,
        _Meter(server) as meter,
    ):
        details = _attack(server, attack, seconds)
        most = meter.finish()
        met = json.loads(visitor.communicate()[0])
        workers = server.workers()
        lost = sum(event["event"] == "exit" for event in server.events) + 2 - len(workers)
        return Result(
            model,
            attack,
            met["latencies"],
            met["failures"],
            meter.before,
            most,
            lost,
            meter.held,
            details,
            server.log,
        )


def _attack(server, attack, seconds):
    host, port = server.address
    if attack in SLOW:
        command = ["slowhttptest", "-c", "1000", "-r", "300", "-p", "3", "-l", str(seconds)]
        command += [word.format(server.url) for word in SLOW[attack]]
        subprocess.run(["nice", *command], stdout=subprocess.DEVNULL, timeout=seconds + 60)
        return {}
    if attack == "nothing":
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(seconds)
        return {}
    words = [sys.executable, "-m", "tests.hostile.attacker", attack, host, port, seconds]
    ended = subprocess.run(
        [*map(str, words)], cwd=ROOT, capture_output=True, timeout=seconds + 90, text=True
    )
    assert ended.stdout.startswith("there"), ended.stderr
    return json.loads(ended.stdout.splitlines()[1])


@contextlib.contextmanager
def _visitor(server):
    host, port = server.address
    words = [sys.executable, "-m", "tests.hostile.visitor", host, port, RATE]
    with subprocess.Popen(
        [*map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class _Meter:
    """The most memory that a server needs, looked at now and then."""

    def __init__(self, server):
        self._pids = [server.pid, *server.workers().values()]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.before = self.most = memory_of(self._pids)
        self.held = descriptors_of(self._pids)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.finish()

    def finish(self):
        self._is_over.set()
        self._thread.join()
        return self.most

    def _watch(self):
        while not self._is_over.wait(0.5):
            self.most = max(self.most, memory_of(self._pids))
            self.held = max(self.held, descriptors_of(self._pids))


def memory_of(pids):
    """Proportional set size of some processes together, in bytes (proc(5))."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(rollup.partition("\nPss:")[2].split()[0]) << 10
    return total


def descriptors_of(pids):
    """How many descriptors some processes have together."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            total += len(os.listdir(f"/proc/{pid}/fd"))
    return total


def can_run(attack):
    """Whether what the attack needs is there: a program, descriptors."""
    if attack in SLOW:
        return shutil.which("slowhttptest") is not None
    if attack == "idle":
        return raise_limit() >= IDLE + 1000
    return True


def concerns(attack, model):
    """Whether the model can be attacked so."""
    return attack not in websocket_attacks.ATTACKS or model == "asgi"


def raise_limit():
    """Allow this process, and those that it starts, as many descriptors as may be; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(hard, 30_000), hard):
        with contextlib.suppress(ValueError, PermissionError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
            return wanted
    return soft
