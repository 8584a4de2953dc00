"""What a request costs several servers, measured side by side in slices of a few hundredths of a
second.

A machine that others use too is loud for seconds on end: turns of a second measure the neighbours
more than the servers.  Here each server has a client of its own, which is held still (SIGSTOP) but
for its slices, and the servers' slices follow each other: all see the same neighbours.
"""

from __future__ import annotations

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import shuffle

from benchmarks import load
from benchmarks.accounting import reads_of, run_time_of, tree_of
from benchmarks.servers import Server

_SLICE, _REST = 0.06, 0.005
_WARM_UP = 1.0
_LONGEST = 3600
"""Seconds, as are the others: a client ends by itself after so long, and is ended before."""
_ATTEMPTS = 20
"""Slices in a row without a request; a client of a busy machine may have no processor in one."""


class Stream:
    """A server and its client."""

    def __init__(self, server: Server, words: list[str]) -> None:
        self._pids = tree_of(server.pid)
        self._client = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        time.sleep(_WARM_UP)
        self._client.send_signal(signal.SIGSTOP)

    def cost(self) -> float:
        """Microseconds of CPU a request in one slice; raises LoadError when there is none.

        Requests are counted as reads: a server whose loop waits for events has one each.  Both are
        looked at while the server waits, for the kernel brings the time up to date when it stops.
        """
        for _ in range(_ATTEMPTS):
            began, read = run_time_of(self._pids), reads_of(self._pids)
            self._client.send_signal(signal.SIGCONT)
            time.sleep(_SLICE)
            self._client.send_signal(signal.SIGSTOP)
            time.sleep(_REST)
            spent, requests = run_time_of(self._pids) - began, reads_of(self._pids) - read
            if requests:
                return spent / requests * 1e6
        raise load.LoadError(f"no request was served in {_ATTEMPTS} slices")

    def close(self) -> None:
        """End the client."""
        self._client.kill()
        self._client.wait()


def costs(
    servers: Sequence[Server], request: bytes, connections: int, cpu: int, rounds: int
) -> list[list[float]]:
    """For each server what a request costs in each round; raises LoadError."""
    found: list[list[float]] = [[] for _ in servers]
    with _streams(servers, request, connections, cpu) as streams:
        order = list(zip(streams, found, strict=True))
        for _ in range(rounds):
            shuffle(order)
            for stream, seen in order:
                seen.append(stream.cost())
    return found


@contextmanager
def _streams(
    servers: Sequence[Server], request: bytes, connections: int, cpu: int
) -> Iterator[list[Stream]]:
    with tempfile.NamedTemporaryFile() as file, ExitStack() as stack:
        file.write(request)
        file.flush()
        streams = []
        for server in servers:
            words = load.command(server.port, _LONGEST, connections, file.name)
            streams.append(Stream(server, ["taskset", "-c", str(cpu), *words]))
            stack.callback(streams[-1].close)
        yield streams
