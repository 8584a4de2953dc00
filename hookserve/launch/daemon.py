"""Going to the background; the process that was started reports the outcome.

The process that the user started waits for the daemon's report: it exits 0 when the server is up,
and prints what is wrong and exits otherwise, as it would have in the foreground.
"""

from __future__ import annotations

import os
import sys


class StartReport:
    """The pipe to the process that the user started, which waits for the outcome of the start."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def descriptors(self) -> list[int]:
        """The pipe's end, while it is open: a worker must not keep it."""
        return [self._descriptor] if self._descriptor >= 0 else []

    def report(self, exit_code: int, message: str) -> None:
        """Send the outcome of the start; only the first report counts."""
        if self._descriptor < 0:
            return
        try:
            # As standard error shows what is not text.
            os.write(self._descriptor, f"{exit_code} {message}".encode(errors="backslashreplace"))
        except OSError:
            pass
        os.close(self._descriptor)
        self._descriptor = -1


def daemonize(keep_stdio: bool) -> StartReport:
    """Return in a daemon: a new session's grandchild, in no terminal (daemon(7)).

    The calling process does not return: it waits for the report and exits.  The standard streams
    are /dev/null; with `keep_stdio` output and errors stay where they go to no terminal.
    """
    reading, writing = os.pipe()
    first = os.fork()
    if first:
        os.close(writing)
        os.waitpid(first, 0)
        _exit_as_reported(reading)
    os.setsid()
    if os.fork():
        os._exit(0)
    os.close(reading)
    _detach_stdio(keep_stdio)
    return StartReport(writing)


def _exit_as_reported(reading: int) -> None:
    parts = []
    while data := os.read(reading, 4096):
        parts.append(data)
    code, _, message = b"".join(parts).decode(errors="replace").partition(" ")
    if not code:
        code, message = "1", "the daemon ended before it was up"
    if int(code):
        print(f"hookserve: {message}", file=sys.stderr, flush=True)
    os._exit(int(code))


def _detach_stdio(keep: bool) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        if keep and descriptor and not os.isatty(descriptor):
            continue
        os.dup2(null, descriptor)
    os.close(null)
