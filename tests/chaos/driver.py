"""The load as the one who inflicts the faults sees it: a process of its own."""

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the clients met."""

    answered: int
    failures: int
    counts: dict[str, int]
    """Failures by kind and connection."""
    failed: list[tuple[str, float, str, int]]
    """Of each: kind, seconds since the start, kind of connection, and the client's port."""
    gap: float
    """The longest time without a response, in seconds."""
    gap_at: float
    idle_closes: int
    refused_at_end: int
    hiccup: float
    """The longest that the client itself was held up."""
    seconds: float


def verdict(outcome, problem, allowed=0):
    """What is wrong with a run in which something happened under load, in one line; empty: nothing.

    `outcome` is `None` where the run did not come to its end; `problem` is what went wrong but for
    the requests; so many of these may be lost as are `allowed`.
    """
    if problem or outcome is None:
        return problem.splitlines()[0] if problem else "no outcome"
    if outcome.failures > allowed:
        but = f", {allowed} allowed" if allowed else ""
        return f"{outcome.failures} lost{but}: {outcome.counts}"
    return ""


class Driver:
    """Runs the load against an address; a context manager.

    `prefix` is what its command line begins with, such as ``nsenter`` and its words.  The
    connections send requests of the `methods` in turn.
    """

    def __init__(self, address, kept, fresh, rate, prefix=(), methods=("GET",)):
        host, port = address
        words = [host, port, kept, fresh, rate, *methods]
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.chaos.load", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        self._unread = b""
        self.answered = 0
        self.last = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def wait_for(self, count, meanwhile=lambda: None):
        """Wait until so many requests have been answered in all."""
        self._wait_until("answered", count, meanwhile)

    def wait_for_failures(self, count):
        """Wait until the clients have met so many in all."""
        self._wait_until("failures", count, lambda: None)

    def _wait_until(self, what, count, meanwhile):
        deadline = time.monotonic() + TIMEOUT
        while (found := self.last.get(what, 0)) < count:
            assert time.monotonic() < deadline, f"{what}: {found} of {count}"
            meanwhile()
            self._listen(0.05)

    def run_for(self, seconds=0.3):
        """Let the load go on for a moment."""
        self.wait_while(seconds, lambda: None)

    def wait_while(self, seconds, meanwhile):
        """Let the load go on for that long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            meanwhile()
            self._listen(0.02)

    def announce_stop(self):
        """The server is about to stop: from now on a refused connection is no failure."""
        self._send(b"draining\n")
        deadline = time.monotonic() + TIMEOUT
        while not self.last.get("draining"):
            assert time.monotonic() < deadline, "the load does not obey"
            self._listen(0.05)

    def finish(self, is_stopped=False):
        """The record; with `is_stopped` the load ends by itself once all clients are refused."""
        if not is_stopped:
            self._send(b"stop\n")
        deadline = time.monotonic() + TIMEOUT
        while not self.last.get("over"):
            assert time.monotonic() < deadline, "the load does not end"
            self._listen(0.1)
        last = self.last
        return Outcome(
            last["answered"],
            last["failures"],
            last["counts"],
            last["failed"],
            last["gap"],
            last["gap at"],
            last["idle closes"],
            last["refused at the end"],
            last["hiccup"],
            last["seconds"],
        )

    def _send(self, words):
        self._process.stdin.write(words)
        self._process.stdin.flush()

    def _listen(self, timeout):
        if self.last.get("over"):
            time.sleep(timeout)  # there is no more to read
            return
        ready, _, _ = select.select([self._process.stdout], [], [], timeout)
        if not ready:
            return
        data = os.read(self._process.stdout.fileno(), 65536)
        assert data, "the load has ended by itself"
        *lines, self._unread = (self._unread + data).split(b"\n")
        if lines:
            self.last = json.loads(lines[-1])
            self.answered = self.last["answered"]
