"""The client: wrk, on a processor of its own."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "wrk.lua"
TIMEOUT = 8
"""Seconds without an answer that are an error."""
_TOLERATED = 0.01
"""Of the requests: connections that a server may close under a request, as some do to kept ones."""


class LoadError(Exception):
    """The load could not be made, or met errors."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the client saw."""

    requests: int
    seconds: float
    p50: float
    """Seconds, as are the others."""
    p99: float
    p999: float
    busy: float = 0.0
    """The part of the time for which the client kept its processor busy."""

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def command(port: int, seconds: int, connections: int, request: str) -> list[str]:
    """The command line of one turn; the request is a file's name."""
    return [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        f"{TIMEOUT}s",
        "-s",
        str(SCRIPT),
        f"http://127.0.0.1:{port}/",
        "--",
        request,
    ]


def require() -> None:
    """Raises LoadError where the client is not installed."""
    if shutil.which("wrk") is None:
        raise LoadError("wrk is not installed (apt-get install wrk)")


def run(port: int, request: bytes, seconds: int, connections: int, cpu: int) -> Result:
    """One turn of load; raises LoadError."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(request)
        file.flush()
        words = ["taskset", "-c", str(cpu), *command(port, seconds, connections, file.name)]
        before = _spent()
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        spent = _spent() - before
    if done.returncode:
        raise LoadError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return parse(done.stdout, spent)


def parse(output: str, spent: float = 0.0) -> Result:
    """What wrk.lua reports; raises LoadError when there were errors.

    ``spent`` are the seconds of processor time that wrk used.
    """
    report = output.rstrip().rpartition("\n")[2]
    if not report.startswith("{"):
        raise LoadError("wrk's report cannot be read")
    seen = json.loads(report)
    for name, what in (
        ("connect", "connections refused"),
        ("status", "answers not 200"),
        ("timeout", f"requests without an answer in {TIMEOUT} s"),
    ):
        if seen[name]:
            raise LoadError(f"{seen[name]} {what}")
    broken = seen["read"] + seen["write"]
    if broken > seen["requests"] * _TOLERATED:
        raise LoadError(f"{broken} connections broken")
    if not seen["requests"]:
        raise LoadError("no request was answered")
    return Result(
        seen["requests"],
        seen["seconds"],
        seen["p50"],
        seen["p99"],
        seen["p999"],
        spent / seen["seconds"],
    )


def _spent() -> float:
    """Processor time of children that have ended, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
