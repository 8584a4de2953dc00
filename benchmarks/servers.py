"""Starts and stops the servers under test."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.pairs import PEER_REQUIREMENTS, Contender

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / ".venv-peers"
_DEADLINE = 20.0


class ServerError(Exception):
    """A server does not come up."""


@contextmanager
def running(contender: Contender, cpu: int) -> Iterator[tuple[int, int, float]]:
    """The server's pid, its port, and the seconds from its start to its first answer."""
    port = _free_port()
    python = str(PEERS / "bin" / "python") if contender.is_peer else sys.executable
    words = [word.format(port=port, python=python) for word in contender.command]
    began = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", str(cpu), *words], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
    try:
        _wait_for_answer(process, port, contender.name)
        yield process.pid, port, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, name: str) -> None:
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            error = process.communicate()[1].decode(errors="replace").strip()
            raise ServerError(f"{name} ended: {error.splitlines()[-1] if error else 'no message'}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                answer.read()
            return
        except OSError:
            time.sleep(0.002)
    raise ServerError(f"{name} does not answer on port {port}")


def environment() -> dict[str, str]:
    """The same for all; byte code may be written, as pip does for what it installs."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def install_peers() -> None:
    """The peers, in an environment of their own; once."""
    stamp = PEERS / "installed"
    wanted = "\n".join(PEER_REQUIREMENTS)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("installing the peers into", PEERS.relative_to(ROOT), flush=True)
    venv.create(PEERS, with_pip=True, clear=True)
    pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "-q", *PEER_REQUIREMENTS]
    if subprocess.run(pip, check=False).returncode:
        raise ServerError("the peers cannot be installed (is the package index reachable?)")
    stamp.write_text(wanted)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def processors() -> tuple[int, int]:
    """One for the servers, one for the client; the same when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]
