"""Starts and stops the servers under test."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import BARE_REQUEST, Case
from benchmarks.contenders import Contender
from benchmarks.environments import ROOT, programs_of

_DEADLINE = 20.0
_STOP_TIMEOUT = 10.0
_POLL_INTERVAL = 0.001
_SETTINGS_PREFIXES = ("HOOKSERVE_", "GUNICORN_", "GRANIAN_", "UVICORN_", "PYTHON")
"""Variables that would configure one of them."""


class ServerError(Exception):
    """A server does not come up."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that has answered."""

    pid: int
    port: int
    start: float
    """Seconds from its start to its first answer."""
    directory: Path
    """What it writes is in here."""

    def has_logged(self) -> bool:
        """Whether a request is in one of its files; waits for a moment."""
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            if any(
                b"GET /" in file.read_bytes() for file in self.directory.glob("*") if file.is_file()
            ):
                return True
            time.sleep(0.02)
        return False


@contextmanager
def running(contender: Contender, case: Case, cpus: str) -> Iterator[Server]:
    """A server for a case on these processors, from its start to its end."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        os.chmod(name, 0o755)
        directory, port = Path(name), _free_port()
        words = prepare(contender, case, directory, port)
        with open(directory / "output", "wb") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                ["taskset", "-c", cpus, *words],
                cwd=directory,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            try:
                ended = _wait_for_answer(process, port, contender.name, directory / "output")
                yield Server(process.pid, port, ended - began, directory)
            finally:
                _stop(process)


def prepare(contender: Contender, case: Case, directory: Path, port: int) -> list[str]:
    """The words of its command; its configuration is written."""
    values = {
        "bin": programs_of(contender),
        "port": port,
        "application": case.application,
        "workers": case.workers,
        "threads": case.threads,
        "directory": directory,
    }
    if contender.configuration:
        text = contender.configuration.format(**values)
        (directory / "configuration").write_text(text)
    log = contender.access_log if case.has_access_log else contender.quiet
    return [word.format(**values) for word in (*contender.command, *log)]


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, name: str, output: Path) -> float:
    """When the first byte of its first answer came; it is asked from the first moment on."""
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = output.read_text(errors="replace").strip().splitlines()
            raise ServerError(f"{name} ended: {lines[-1] if lines else 'no message'}")
        with socket.socket() as client:
            client.settimeout(5)
            try:
                client.connect(("127.0.0.1", port))
                client.sendall(BARE_REQUEST)
                if client.recv(1):
                    return time.perf_counter()
            except OSError:
                pass
        time.sleep(_POLL_INTERVAL)
    raise ServerError(f"{name} does not answer on port {port}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """As an operator would; what is left of its group after that is killed."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def environment() -> dict[str, str]:
    """The same for all, who find the applications without a file of this project beside them that
    configures one; byte code may be written, as pip does for what it installs."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(_SETTINGS_PREFIXES) and key not in ("PORT", "WEB_CONCURRENCY")
    }
    return {**kept, "PYTHONPATH": str(ROOT)}


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def processors(workers: int = 1) -> tuple[str, int]:
    """For the servers, in taskset's words, and for the client; the same if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    ours = allowed[:-1][:workers] or allowed
    return ",".join(map(str, ours)), allowed[-1]


def raise_limit() -> None:
    """As many descriptors as the system allows, for the servers too."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
