"""The client: wrk, on a processor of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.pairs import BROWSER_HEADERS

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


class LoadError(Exception):
    """The load could not be made, or met errors."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the client saw."""

    requests: int
    rate: float
    p50: float
    """Seconds."""
    p99: float


def command(port: int, seconds: int, connections: int, is_keep_alive: bool) -> list[str]:
    """The command line of one turn."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in (*BROWSER_HEADERS, f"Connection: {'keep-alive' if is_keep_alive else 'close'}"):
        words += ["-H", header]
    return [*words, f"http://127.0.0.1:{port}/"]


def run(port: int, seconds: int, connections: int, is_keep_alive: bool, cpu: int) -> Result:
    """One turn of load; raises LoadError."""
    if shutil.which("wrk") is None:
        raise LoadError("wrk is not installed (apt-get install wrk)")
    words = ["taskset", "-c", str(cpu), *command(port, seconds, connections, is_keep_alive)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LoadError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse(done.stdout)


def parse(output: str) -> Result:
    """wrk's report; raises LoadError when there were errors."""
    errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output
    )
    if errors and (int(errors[1]) or int(errors[3]) or int(errors[4])):
        raise LoadError(errors[0])
    if "Non-2xx" in output:
        raise LoadError("the server did not answer 200")
    count = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if count is None or rate is None:
        raise LoadError("wrk's report cannot be read")
    return Result(int(count[1]), float(rate[1]), _latency(output, "50%"), _latency(output, "99%"))


def _latency(output: str, percentile: str) -> float:
    match = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", output)
    if match is None:
        raise LoadError("wrk's report has no latencies")
    return float(match[1]) * _UNITS[match[2]]
