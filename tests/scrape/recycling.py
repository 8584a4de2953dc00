"""A server whose workers are recycled under load, looked at again and again."""

import contextlib
import http.client
import itertools
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from hookserve.testing import serve, wait_until

ROOT = Path(__file__).parents[2]
TOLERANCE = 1.5
"""By what factor the last looks may be above the first: one machine does other things too."""
SLACK = 5.0
"""And by how many milliseconds; a scrape that grows with each worker passes both soon."""
SURGE = 10
"""How many files more there may be: a worker and its replacement have theirs side by side."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there is at one moment."""

    seconds: float
    """Since the load began."""
    files: int
    size: int
    """Bytes of all files."""
    scrape: float
    """Milliseconds, the median of several."""
    requests: int
    """What the application has counted in all its workers."""
    gone: int
    """Workers that have ended."""


class Running:
    """A server, its directory and the port that is scraped."""

    def __init__(self, server, directory, port):
        self.server, self.directory, self._port = server, directory, port

    def scrape(self):
        """The text."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()

    def kill_one(self):
        """End a worker as the kernel does when memory is short: it can clear nothing up.

        Beside load a replacement may take longer to boot than from one look to the next.
        """
        wait_until(self.server.workers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(next(iter(self.server.workers().values())), signal.SIGKILL)

    def look(self, began, times):
        """Scrape so many times."""
        took, text = [], ""
        for _ in range(times):
            asked = time.perf_counter()
            text = self.scrape()
            took.append(1000 * (time.perf_counter() - asked))
        sizes = [each.stat().st_size for each in self.directory.iterdir()]
        return Look(
            time.monotonic() - began,
            len(sizes),
            sum(sizes),
            statistics.median(took),
            total(text, "shop_orders_total"),
            total(text, "hookserve_worker_exits_total"),
        )


def total(text, name):
    """The sum of a counter's samples."""
    found = (line.rpartition(" ") for line in text.splitlines())
    return int(sum(float(value) for key, _, value in found if key.partition("{")[0] == name))


@contextlib.contextmanager
def running(directory, workers, max_requests):
    """A server with its workers; `directory` gets the files."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {
        "prometheus": f"127.0.0.1:{port}",
        "prometheus_client": True,
        "max_requests": max_requests,
        "max_requests_jitter": max_requests // 10,
    }
    with serve(
        "tests.scrape.application:application",
        workers=workers,
        settings=settings,
        chdir=ROOT,
        environ={"PYTHONPATH": str(ROOT), "PROMETHEUS_MULTIPROC_DIR": str(directory)},
    ) as server:
        yield Running(server, directory, port)


@contextlib.contextmanager
def load(address, at_once):
    """Clients, until the block ends."""
    command = [sys.executable, "-m", "tests.scrape.load", address[0], str(address[1]), str(at_once)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


def looks(server, count, interval, warm_up, times=9):
    """So many looks, each `interval` seconds after the one before; a worker is killed after each.

    The first is taken when `warm_up` workers have ended: then each place has had its files.
    """
    wait_until(lambda: total(server.scrape(), "hookserve_worker_exits_total") >= warm_up, 300)
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number * interval - time.monotonic()))
        yield server.look(began, times)
        server.kill_one()


def faults(found):
    """What grows: the last third of the looks is compared with the first."""
    third = max(1, len(found) // 3)
    first, last = found[:third], found[-third:]
    before, after = (max(each.files for each in some) for some in (first, last))
    if after > before + SURGE:
        yield f"{before} files at first, {after} at last"
    before, after = (statistics.median(each.scrape for each in some) for some in (first, last))
    if after > before * TOLERANCE + SLACK:
        yield f"a scrape takes {before:.1f} ms at first, {after:.1f} ms at last"
    if any(later.requests < each.requests for each, later in itertools.pairwise(found)):
        yield "a counter has fallen"
    if found[-1].gone <= found[0].gone:
        yield "no worker was recycled"
