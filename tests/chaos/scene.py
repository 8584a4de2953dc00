"""A server under load, and what a fault may do to it and ask of it."""

import contextlib
import os
import resource
import signal
import socket
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from hookserve.testing import serve
from hookserve.testing.kernel import clients_of
from hookserve.testing.suspending import suspend
from tests.chaos.driver import ROOT, Driver
from tests.support.columns import columns_of

DEADLINE = 30.0
IMPORT_TIME = 0.15
CLIENTS = 16
MODELS = columns_of("tests.chaos")
MODELS["asyncio"] = ("asyncio", MODELS["sync"][1])  # its threads run one of WSGI


@dataclass
class Scene:
    """One server of two workers, and the load on it."""

    server: object
    load: Driver
    directory: Path
    held: Counter[int] = field(default_factory=Counter)
    """Client ports of the connections that killed workers held: a request on each may be lost."""
    is_stopped: bool = False
    notes: list[str] = field(default_factory=list)

    def signal(self, number):
        self.server.signal(number)

    def wait(self, condition, what="the condition"):
        """Wait for a condition while the load goes on."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"{what} was not met in time\n{self.server.log}"
            self.load.run_for(0.02)

    def events(self, kind):
        self.server.workers()  # reads what has come
        return [each for each in self.server.events if each["event"] == kind]

    def reload(self):
        """Reload, to the end."""
        count = len(self.events("reloaded"))
        self.signal(signal.SIGHUP)
        self.wait(lambda: len(self.events("reloaded")) > count, "the end of the reload")

    def hold(self, pid):
        """Suspend a worker that is about to be killed, and note what it holds.

        It holds each connection that it has accepted and not closed, and with it the request that
        it runs, that the kernel has received for it, or that the client sends before the end.
        What waits to be accepted no worker holds: a sibling must serve it.
        """
        suspend(pid)
        self.note_held(pid)

    def note_held(self, pid):
        """As `hold`, of a worker that accepts and closes nothing any more."""
        self.held.update(clients_of(pid, self.server.address[1]))

    def wait_for_two(self):
        """Wait until two workers serve."""
        self.wait(lambda: len(self.server.workers()) == 2, "two workers")

    def import_time(self):
        return median(each["seconds"] for each in self.events("imported"))


@contextlib.contextmanager
def scene(model, settings=None, arguments=(), *, import_time=IMPORT_TIME, rate=4000.0, kept=12):
    """A scene with its load running."""
    with tempfile.TemporaryDirectory() as directory:
        environ = {
            "PYTHONPATH": str(ROOT),
            "CHAOS_DIRECTORY": directory,
            "CHAOS_IMPORT": str(import_time),
        }
        worker, application = MODELS[model]
        has_threads = model in ("gthread", "asyncio")
        chosen = {"threads": 4, **(settings or {})} if has_threads else settings
        with serve(
            application,
            worker=worker,
            workers=2,
            settings=chosen,
            arguments=arguments,
            environ=environ,
            chdir=ROOT,
        ) as server:
            with Driver(server.address, kept, CLIENTS - kept, rate) as load:
                try:
                    yield Scene(server, load, Path(directory))
                finally:
                    _end_successors(server)


def _end_successors(server):
    """They have no parent here, so the scene alone ends those that a failure has left."""
    server.workers()  # reads what has come
    for event in server.events:
        if event["event"] == "successor ready" and is_alive(event["successor"]):
            os.kill(event["successor"], signal.SIGTERM)


def opened_by(pid):
    """What a process has open, by descriptor and as /proc names it."""
    found = {}
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed a moment ago
            found[int(descriptor.name)] = os.readlink(descriptor)
    return found


def starve(pid):
    """Leave a process no descriptor to open; answers a function that takes it back."""
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(opened_by(pid)) + 1, limits[1]))
    return lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def connect(address, data=b"", receive_buffer=0):
    """A client beside the load."""
    made = socket.socket()
    if receive_buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.settimeout(DEADLINE)
    made.connect(address)
    if data:
        made.sendall(data)
    return made
