"""What idle connections cost: ``python -m benchmarks.idle``.

For each model one worker, without and with so many idle keep-alive connections: the memory of the
processes by connection (the kernel's own not counted), and the CPU and latency of other requests.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import median

from benchmarks import environments, load, servers
from benchmarks.accounting import cpu_of, memory_of
from benchmarks.answers import Client, compare
from benchmarks.cases import BARE_REQUEST, BROWSER
from benchmarks.contenders import EPOLL, EVENTLET, GEVENT, GTHREAD, SYNC, TORNADO

MODELS = {
    "epoll": EPOLL,
    "gthread": GTHREAD,
    "gevent": GEVENT,
    "eventlet": EVENTLET,
    "tornado": TORNADO,
    "sync": SYNC,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One turn of load."""

    cpu: float
    """Microseconds of CPU per request."""
    p50: float
    p99: float
    """Milliseconds."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.idle", description=__doc__)
    parser.add_argument("--only", action="append", choices=MODELS)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    servers.raise_limit()
    environments.install_ours()
    print(
        f"{options.idle} idle connections, {BROWSER.connections} busy ones,"
        f" medians of {options.turns} turns of {options.seconds} s"
    )
    head = (
        "model",
        "KiB each",
        "CPU us",
        "with idle",
        "ratio",
        "p50 ms",
        "with idle",
        "p99 ms",
        "with idle",
    )
    print("  ".join(cell.rjust(9) for cell in head))
    for model in options.only or MODELS:
        measure(model, options.idle, options.turns, options.seconds)
    return 0


def measure(model: str, idle: int, turns: int, seconds: int) -> None:
    """One model, in turns without and with the idle connections."""
    kept = MODELS[model]
    # Room for twice as many: a worker that nears its limit keeps no connection.
    more = ("--keep-alive", "600", "--worker-connections", str(2 * idle))
    contender = replace(kept, command=(*kept.command, *more))
    server_cpu, client_cpu = servers.processors()
    with servers.running(contender, BROWSER, server_cpu) as server:
        pid, port = server.pid, server.port
        figures: dict[bool, list[Figure]] = {False: [], True: []}
        turn(pid, port, 1, client_cpu)
        weights = []
        for _ in range(turns):
            figures[False].append(turn(pid, port, seconds, client_cpu))
            before = memory_of(pid)
            with idle_connections(port, idle):
                weights.append((memory_of(pid) - before) * 1024 / idle)
                figures[True].append(turn(pid, port, seconds, client_cpu))
    alone, beside = (
        [median(getattr(each, name) for each in figures[key]) for name in ("cpu", "p50", "p99")]
        for key in (False, True)
    )
    cells = [
        model,
        f"{max(weights):.2f}",
        f"{alone[0]:.1f}",
        f"{beside[0]:.1f}",
        f"{beside[0] / alone[0]:.2f}",
        f"{alone[1]:.2f}",
        f"{beside[1]:.2f}",
        f"{alone[2]:.2f}",
        f"{beside[2]:.2f}",
    ]
    print("  ".join(cell.rjust(9) for cell in cells), flush=True)


def turn(pid: int, port: int, seconds: int, client_cpu: int) -> Figure:
    """Load beside whatever is idle."""
    before = cpu_of(pid)
    seen = load.run(port, BROWSER.request, seconds, BROWSER.connections, client_cpu)
    used = cpu_of(pid) - before
    return Figure(used.total / seen.requests * 1e6, seen.p50 * 1e3, seen.p99 * 1e3)


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[None]:
    """Connections that have had one answer each and are kept."""
    with ExitStack() as stack:
        for _ in range(count):
            (answer,) = stack.enter_context(Client(port)).ask(BARE_REQUEST)
            compare(answer, BROWSER.body)
        yield


if __name__ == "__main__":
    sys.exit(main())
