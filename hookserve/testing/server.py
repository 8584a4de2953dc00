"""A real hookserve in a process of its own, for tests."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

from hookserve.testing import announcer
from hookserve.testing.bridge import specification_of
from hookserve.testing.waiting import DEADLINE

Event = dict[str, Any]  # Any: each kind of event has keys of its own
"""What happened in the server, under `event`, and what belongs to it."""
_LOOK = 0.05
"""Seconds between two looks for the end of a server whose children keep the pipe open."""


class ServerFailed(AssertionError):
    """The server ended, or did not do in time what was waited for; the log is in the message."""


class Server:
    """A running server: where it is, what happened in it, and how to stop it."""

    def __init__(self, process: subprocess.Popen[bytes], events_fd: int, log_path: Path) -> None:
        self.process = process
        self.pid = process.pid
        self.events: list[Event] = []
        """What has happened so far, in order."""
        self._events_fd = events_fd
        self._unread = b""
        self._log_path = log_path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first TCP listener."""
        for event in self.events:
            if event["event"] == "listening":
                host, _, port = event["addresses"][0].rpartition(":")
                return host.strip("[]"), int(port)
        raise ServerFailed(f"the server is not listening\n{self.log}")

    @property
    def url(self) -> str:
        """Where the server listens, without a slash at the end."""
        host, port = self.address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def log(self) -> str:
        """What the server has written to its standard streams."""
        return self._log_path.read_text(errors="replace")

    def workers(self) -> dict[int, int]:
        """The pid of the ready worker of each index."""
        self._collect(0.0)
        found: dict[int, int] = {}
        for event in self.events:
            if event["event"] == "ready":
                found[event["index"]] = event["pid"]
            elif event["event"] == "exit" and found.get(event["index"]) == event["pid"]:
                del found[event["index"]]
        return found

    def wait_for(
        self, kind: str, condition: Callable[[Event], bool] = lambda event: True, count: int = 1
    ) -> Event:
        """The `count`-th event of a kind that satisfies the condition; waits for it.

        Raises ServerFailed when the server ends or the deadline passes first.
        """
        deadline = time.monotonic() + DEADLINE
        while True:
            found = [each for each in self.events if each["event"] == kind and condition(each)]
            if len(found) >= count:
                return found[count - 1]
            left = deadline - time.monotonic()
            if left <= 0 or not self._collect(left):
                raise ServerFailed(f"no event {kind!r}, only {self.events}\n{self.log}")

    def signal(self, number: int) -> None:
        """Send a signal to the arbiter."""
        self.process.send_signal(number)

    def wait(self, timeout: float = DEADLINE) -> int:
        """The exit code, once the server has ended."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            # Events that are not read fill the pipe, and hold up the hooks that write to it.
            if not self._collect(_LOOK):
                break
        code = self.process.wait(max(0.0, deadline - time.monotonic()))
        self._collect(0.0)
        return code

    def stop(self, number: int = SIGTERM, timeout: float = DEADLINE) -> int:
        """Stop the server and return its exit code."""
        if self.process.poll() is None:
            self.signal(number)
        return self.wait(timeout)

    def _collect(self, timeout: float) -> bool:
        """Wait for events for at most `timeout` seconds; False when no more can come."""
        ready, _, _ = select.select([self._events_fd], [], [], timeout)
        if not ready:
            return True
        data = os.read(self._events_fd, 65536)
        *lines, self._unread = (self._unread + data).split(b"\n")
        self.events.extend(json.loads(line) for line in lines)
        return bool(data)


@contextmanager
def serve(
    app: str | Callable[..., Iterable[bytes]],
    *,
    worker: str | None = "sync",
    workers: int = 1,
    settings: Mapping[str, object] | None = None,
    arguments: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
    chdir: str | os.PathLike[str] | None = None,
    bind: str | None = "127.0.0.1:0",
    wait: bool = True,
    python: str = sys.executable,
) -> Iterator[Server]:
    """Serve `app` (a specification, or an object that a file defines by name) until the block ends.

    With `worker=None` the application's interface chooses the model.  `settings` become flags; with
    `bind=None` a configuration file says where to listen; `wait` waits for all workers to be ready.
    The server is killed if it does not stop by itself.

    Raises ServerFailed when it does not come up.
    """
    specification = app if isinstance(app, str) else specification_of(app)
    command = [python, "-m", "hookserve", "-w", str(workers)]
    command += ["-k", worker] if worker is not None else []
    command += ["-b", bind] if bind is not None else []
    command += [*_as_flags(settings or {}), *arguments, specification]
    with serve_command(command, environ, chdir, workers if wait else 0) as server:
        yield server


@contextmanager
def serve_command(
    command: list[str],
    environ: Mapping[str, str] | None = None,
    chdir: str | os.PathLike[str] | None = None,
    workers: int = 1,
) -> Iterator[Server]:
    """As `serve`, with the command of a program that serves; waits for so many workers."""
    reading, writing = os.pipe()
    variables = {**os.environ, **(environ or {}), announcer.VARIABLE: str(writing)}
    plugins = [variables.get("HOOKSERVE_PLUGINS", ""), announcer.__name__]
    variables["HOOKSERVE_PLUGINS"] = ",".join(filter(None, plugins))
    with tempfile.TemporaryDirectory() as directory:
        log_path = Path(directory, "log")
        process = _start(command, variables, chdir, log_path, writing)
        server = Server(process, reading, log_path)
        try:
            if workers:
                server.wait_for("ready", count=workers)
            yield server
        finally:
            _end(server)
            os.close(reading)


def _start(
    command: list[str],
    environ: Mapping[str, str],
    chdir: str | os.PathLike[str] | None,
    log_path: Path,
    events_fd: int,
) -> subprocess.Popen[bytes]:
    """Start the server; it alone has the writing end of its events afterwards."""
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environ,
            cwd=chdir,
            pass_fds=[events_fd],
        )
    os.close(events_fd)
    return process


def _end(server: Server) -> None:
    try:
        server.stop()
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def _as_flags(settings: Mapping[str, object]) -> list[str]:
    flags: list[str] = []
    for name, value in settings.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value is False:
            flags.append(f"--no-{name.replace('_', '-')}")
        else:
            flags.extend([flag, str(value)])
    return flags
