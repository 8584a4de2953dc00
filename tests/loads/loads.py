"""The loads, and what each may cost: functions that measure a server of one worker."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hookserve.testing import serve, wait_until
from tests.hostile.scene import raise_limit
from tests.loads import clients
from tests.loads.application import BLOCK

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20
GIGABYTE = 1 << 30
STEADY = 0.3
"""Seconds without growth after which a worker takes no more memory for a client that sleeps."""


@dataclass(frozen=True, slots=True)
class Load:
    """A measurement and its limit."""

    measure: Callable
    """Called with the server and a size; returns a figure."""
    size: int
    unit: str
    limit: float
    """What the figure must be below."""


@contextlib.contextmanager
def server(connections=12_000):
    """One worker that serves so many connections."""
    raise_limit()
    with serve(
        "tests.loads.application:application",
        worker="asyncio",
        workers=1,
        settings={"worker_connections": connections, "backlog": 4096},
        chdir=ROOT,
        environ={"PYTHONPATH": str(ROOT)},
    ) as running:
        yield running


def sleeping_requests(running, count):
    """Seconds for so many requests at once that sleep a second each."""
    clients.at_once(running.address, b"/sleep?0", 50)
    return clients.at_once(running.address, b"/sleep?1", count)


def idle_websockets(running, count, fields=b"", talks=False):
    """KiB of the worker's memory for each websocket that waits."""
    (pid,) = running.workers().values()
    with contextlib.ExitStack() as stack:
        for _ in range(50):  # what the first ones cost once
            stack.enter_context(clients.open_websocket(running.address, fields, talks))
        before = memory_of(pid)
        for _ in range(count):
            stack.enter_context(clients.open_websocket(running.address, fields, talks))
        return (memory_of(pid) - before) / count / 1024


def deflating_websockets(running, count):
    """The same, of clients that may compress, and have not yet."""
    return idle_websockets(running, count, clients.DEFLATE)


def talking_websockets(running, count):
    """The same, of clients that have had a message back."""
    return idle_websockets(running, count, talks=True)


def sleeping_reader(running, size):
    """MiB that the worker needs for a client that sleeps under a response of so many bytes.

    The client wakes then, and gets all of it.
    """
    (pid,) = running.workers().values()
    clients.endings(running.address)
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is counted from now on
    before = memory_of(pid)
    with clients.Reader(running.address, size // len(BLOCK)) as reader:
        wait_until_steady(pid)
        reader.read_all()
    wait_until(lambda: clients.endings(running.address)[-1:] == ["all was sent"])
    return (memory_of(pid, "VmHWM") - before) / MEGABYTE


def disconnecting_reader(running, size):
    """Seconds until the application is notified that such a client has disconnected."""
    (pid,) = running.workers().values()
    count = len(clients.endings(running.address))
    with clients.Reader(running.address, size // len(BLOCK)):
        wait_until_steady(pid)
        assert len(clients.endings(running.address)) == count, "it was notified too early"
    began = time.monotonic()
    wait_until(lambda: len(clients.endings(running.address)) > count)
    assert clients.endings(running.address)[-1] != "all was sent"
    return time.monotonic() - began


def wait_until_steady(pid):
    """Wait until a worker has not taken more memory for a while."""
    most, since = memory_of(pid), time.monotonic()

    def is_steady():
        nonlocal most, since
        size, now = memory_of(pid), time.monotonic()
        if size > most:
            most, since = size, now
        return now - since >= STEADY

    wait_until(is_steady)


def memory_of(pid, field="VmRSS"):
    """Resident set size in bytes, or its peak, `VmHWM` (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"\n{field}:")[2].split()[0]) << 10


LOADS = {
    "requests at once that sleep a second": Load(sleeping_requests, 5000, "s", 3.0),
    "websockets that wait": Load(idle_websockets, 1000, "KiB each", 12.0),
    "websockets that wait, deflate agreed": Load(deflating_websockets, 1000, "KiB each", 12.0),
    "websockets that wait, after a message": Load(talking_websockets, 1000, "KiB each", 12.0),
    "bytes under a client that sleeps": Load(sleeping_reader, GIGABYTE, "MiB", 8.0),
    "bytes under a client that disconnects": Load(
        disconnecting_reader, GIGABYTE, "s until notified", 1.0
    ),
}
