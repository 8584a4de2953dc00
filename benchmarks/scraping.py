"""What a scrape of many workers takes: ``make bench-scrape``.

Idle, under load, and while every worker hangs (SIGSTOP): what the client waits for, which has what
the machine does besides in it, and the processor time of the process that is scraped.
"""

from __future__ import annotations

import argparse
import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from hookserve.testing import serve, wait_until
from hookserve.testing.suspending import suspended

ROOT = Path(__file__).parent.parent
BUDGET = 5.0
"""Milliseconds."""
_CLIENTS = 16


class Scraped:
    """The port of the status, and the process behind it."""

    def __init__(self, port: int, pid: int) -> None:
        self._port, self._pid = port, pid

    def measure(self, times: int) -> tuple[float, float, float, float]:
        """Milliseconds that so many scrapes took, the least, the median and of the slowest
        twentieth the quickest; and the processor time of one."""
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        took = []
        self._scrape(client)
        before = self._cpu()
        for _ in range(times):
            began = time.perf_counter()
            self._scrape(client)
            took.append(1000 * (time.perf_counter() - began))
        spent = self._cpu() - before
        client.close()
        took.sort()
        return took[0], median(took), took[int(0.95 * times)], spent / times

    @staticmethod
    def _scrape(client: http.client.HTTPConnection) -> None:
        client.request("GET", "/metrics")
        client.getresponse().read()

    def _cpu(self) -> float:
        """Milliseconds on a processor, of the threads that run (proc(5))."""
        tasks = Path(f"/proc/{self._pid}/task").iterdir()
        return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks) / 1e6


@contextmanager
def _load(address: tuple[str, int]) -> Iterator[None]:
    words = ["-m", "tests.scrape.load", address[0], str(address[1]), str(_CLIENTS)]
    with subprocess.Popen([sys.executable, *words], cwd=ROOT) as process:
        try:
            time.sleep(1)
            yield
        finally:
            process.kill()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scraping", description=__doc__)
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--times", type=int, default=200)
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"status": f"127.0.0.1:{port}", "threads": 4, "timeout": 0}
    print(f"milliseconds of a scrape of {options.workers} workers; at most {BUDGET:g}")
    print(_row("", "least", "median", "95 %", "processor"))
    application = "examples.hello:application"
    with serve(
        application, worker="gthread", workers=options.workers, settings=settings, chdir=ROOT
    ) as server:
        pattern = re.compile(r"auxiliary status \(pid (\d+)\) started")
        wait_until(lambda: pattern.search(server.log))
        (pid,) = map(int, pattern.findall(server.log))
        scraped = Scraped(port, pid)
        medians = [_show("idle", scraped.measure(options.times))]
        with _load(server.address):
            medians.append(_show("under load", scraped.measure(options.times)))
        with suspended(server.workers().values()):
            medians.append(_show("all workers hang", scraped.measure(options.times)))
    return int(max(medians) > BUDGET)


def _show(name: str, figures: tuple[float, float, float, float]) -> float:
    print(_row(name, *(f"{each:.2f}" for each in figures)), flush=True)
    return figures[1]


def _row(*cells: str) -> str:
    return cells[0].ljust(18) + "".join(cell.rjust(11) for cell in cells[1:])


if __name__ == "__main__":
    sys.exit(main())
