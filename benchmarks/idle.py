"""What idle connections cost: ``python -m benchmarks.idle``.

For each model one worker, without and with so many idle keep-alive connections: the memory of the
processes by connection (the kernel's own not counted), and the CPU and latency of other requests.
"""

from __future__ import annotations

import argparse
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from benchmarks import load, servers
from benchmarks.accounting import cpu_of, memory_of
from benchmarks.pairs import HELLO, Contender

MODELS = ("epoll", "gthread", "gevent", "eventlet", "tornado", "sync")
CONNECTIONS = 64


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
    need = options.idle + 256
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(need, hard), hard))
    print(f"{options.idle} idle connections, {CONNECTIONS} busy ones,"
          f" medians of {options.turns} turns of {options.seconds} s")  # fmt: skip
    head = ("model", "KiB each", "CPU us", "with idle", "ratio", "p50 ms", "with idle", "p99 ms",
            "with idle")  # fmt: skip
    print("  ".join(cell.rjust(9) for cell in head))
    for model in options.only or MODELS:
        measure(model, options.idle, options.turns, options.seconds)
    return 0


def measure(model: str, idle: int, turns: int, seconds: int) -> None:
    """One model, in turns without and with the idle connections."""
    command = ("{python}", "-m", "hookserve", "-b", "127.0.0.1:{port}", "-k", model, "--keep-alive",
               "600", "--worker-connections", str(idle + 200), HELLO)  # fmt: skip
    contender = Contender(model, command, is_peer=False)
    server_cpu, client_cpu = servers.processors()
    with servers.running(contender, server_cpu) as (pid, port, _):
        figures: dict[bool, list[Figure]] = {False: [], True: []}
        load.run(port, 1, CONNECTIONS, True, client_cpu)
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
    cells = [model, f"{max(weights):.2f}", f"{alone[0]:.1f}", f"{beside[0]:.1f}",
             f"{beside[0] / alone[0]:.2f}", f"{alone[1]:.2f}", f"{beside[1]:.2f}",
             f"{alone[2]:.2f}", f"{beside[2]:.2f}"]  # fmt: skip
    print("  ".join(cell.rjust(9) for cell in cells), flush=True)


def turn(pid: int, port: int, seconds: int, client_cpu: int) -> Figure:
    """Load beside whatever is idle."""
    before = cpu_of(pid)
    seen = load.run(port, seconds, CONNECTIONS, True, client_cpu)
    used = cpu_of(pid) - before
    return Figure(used.total / seen.requests * 1e6, seen.p50 * 1e3, seen.p99 * 1e3)


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[None]:
    """Connections that have had one answer each and are kept."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.sendall(request)
            if not client.recv(4096).startswith(b"HTTP/1.1 200"):
                raise load.LoadError("an idle connection was not answered")
        yield


if __name__ == "__main__":
    sys.exit(main())
