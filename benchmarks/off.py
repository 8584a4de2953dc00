"""What plugins cost that are installed and off: ``python -m benchmarks.off``.

The same server is started with them and with an installation that does not have them, in turns: the
time until its worker is ready, the memory of arbiter and worker, and, where valgrind is installed,
instructions of a start and of a request, which nothing else on the machine changes.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median

from benchmarks.answers import Client
from benchmarks.cases import BROWSER
from hookserve.plugins.discovery import discover
from hookserve.testing import serve, wait_until
from hookserve.testing.server import Server, serve_command

ROOT = Path(__file__).parent.parent
PLUGINS = tuple(each.name for each in discover() if each.is_on_demand)
APPLICATION = "examples.hello:application"
_MEMORY = ("Pss", "Private_Dirty")
_ENVIRON = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": ""}
"""The same hashes each time, and modules that are compiled once."""
_REQUESTS = (50, 1050)
"""That are served under valgrind: the difference is what those between them take."""
_LONGEST = 120.0
"""Seconds for a start or a stop there."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.off", description=__doc__)
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--plugin", action="append", metavar="NAME", help=f"{', '.join(PLUGINS)}")
    parser.add_argument("--each", action="store_true", help="and each of them alone left out")
    options = parser.parse_args()
    plugins = tuple(options.plugin or PLUGINS)
    cases: dict[str, Sequence[str]] = {"installed, off": (), "not installed": plugins}
    if options.each:
        cases |= {f"without {name}": (name,) for name in plugins}
    seen: dict[str, list[tuple[float, ...]]] = {name: [] for name in cases}
    start(())  # compiles
    for _ in range(options.starts):
        for name, without in cases.items():
            seen[name].append(start(without))
    print(_row("", "start, ms", "arbiter, KiB", "", "worker, KiB", "", "instructions", ""))
    print(_row("", "", *_MEMORY, *_MEMORY, "of a start", "a request"))
    for name, without in cases.items():
        figures = (median(column) for column in zip(*seen[name], strict=True))
        started, *memory = figures
        counted = instructions(without) if shutil.which("valgrind") else ("-", "-")
        print(_row(name, f"{started:.1f}", *(f"{each:.0f}" for each in memory), *counted))
    return 0


def _row(*cells: str) -> str:
    return cells[0].ljust(20) + "".join(cell.rjust(15) for cell in cells[1:])


@cache
def _installation(without: Sequence[str]) -> tempfile.TemporaryDirectory[str]:
    """A folder with the metadata of all distributions that have plugins, but of those `without`:
    in front of the path it takes the place of what is installed."""
    folder = tempfile.TemporaryDirectory()
    left_out = {each.value for each in discover() if each.name in without}
    for number, owner in enumerate({each.owner.key: each.owner for each in discover()}.values()):
        place = Path(folder.name, f"{owner.key.replace('-', '_')}-{number}.dist-info")
        place.mkdir()
        lines = (owner.read_text("entry_points.txt") or "").splitlines(keepends=True)
        kept = [line for line in lines if line.rpartition("=")[2].strip() not in left_out]
        (place / "entry_points.txt").write_text("".join(kept))
        (place / "METADATA").write_text(owner.read_text("METADATA") or "")
    return folder


def _environ(without: Sequence[str]) -> dict[str, str]:
    return {**_ENVIRON, "PYTHONPATH": f"{_installation(tuple(without)).name}:{ROOT}"}


@contextmanager
def _running(without: Sequence[str]) -> Iterator[Server]:
    with serve(APPLICATION, environ=_environ(without), chdir=ROOT) as server:
        yield server


def start(without: Sequence[str]) -> tuple[float, ...]:
    """Milliseconds until the worker is ready; KiB of arbiter and worker (smaps_rollup, proc(5))."""
    began = time.perf_counter()
    with _running(without) as server:
        took = 1000 * (time.perf_counter() - began)
        pids = (server.pid, *server.workers().values())
        return took, *(each for pid in pids for each in _memory(pid))


def _memory(pid: int) -> list[float]:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return [float(text.partition(f"\n{name}:")[2].split()[0]) for name in _MEMORY]


def instructions(without: Sequence[str]) -> tuple[str, str]:
    """Of a start, in millions: what the arbiter does before the fork, and the worker's life.  Of a
    request over a kept connection."""
    few, many = (_count(without, requests) for requests in _REQUESTS)
    return f"{few / 1e6:.2f} M", f"{(many - few) / (_REQUESTS[1] - _REQUESTS[0]):.0f}"


def _count(without: Sequence[str], requests: int) -> int:
    """Of the worker of a server that serves so many requests and is stopped.  valgrind counts on
    from what the arbiter had at the fork."""
    with tempfile.TemporaryDirectory() as directory:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/%p"]
        limits = ["--boot-timeout", "0", "--timeout", "0"]  # valgrind is slow
        server = [sys.executable, "-m", "hookserve", "-b", "127.0.0.1:0", *limits]
        command = [*valgrind, *server, APPLICATION]
        with serve_command(command, _environ(without), ROOT, workers=0) as running:
            wait_until(running.workers, _LONGEST)
            with Client(running.address[1]) as client:
                for _ in range(requests):
                    client.ask(BROWSER.request)
            running.stop(timeout=_LONGEST)
            found = re.findall(r"==(\d+)== Collected : (\d+)", running.log)
            return next(int(count) for pid, count in found if int(pid) != running.pid)


if __name__ == "__main__":
    sys.exit(main())
