"""Processes of the command, forked from one that has imported it already.

A start spends most of its time on imports.  Here each command is a process of its own all the same,
with the module run as ``python -m hookserve`` runs it.  ``python -m support.command_process`` reads
a line for each command, and writes the exit code of each.
"""

import atexit
import json
import os
import runpy
import select
import subprocess
import sys
import tempfile
from functools import cache
from importlib import invalidate_caches
from pathlib import Path

from support.paths import SUPPORT

IMPORTED = (
    "hookserve.cli.listings",
    "hookserve.cli.main",
    "hookserve.config.parser",
    "hookserve.launch.assembly",
    "hookserve.launch.defaults",
    "hookserve.launch.start",
    "hookserve.plugins.host",
    "json",
    "tomllib",
)
"""What nearly every command imports; no plugin, for tests bring others under their names."""


class CommandProcesses:
    """The process that forks them, and how it is asked."""

    def __init__(self):
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.command_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=SUPPORT.parent,
            env=environ,
        )
        atexit.register(self.close)

    def run(self, arguments, cwd, environ, timeout):
        """Run a command to its end; raises subprocess.TimeoutExpired."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            asked = [list(map(str, arguments)), str(cwd), environ, str(out), str(err)]
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(arguments, timeout)
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def close(self):
        """End it."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


@cache
def processes():
    """Those of this process."""
    return CommandProcesses()


def serve():
    """Fork a process for each line of the standard input."""
    for name in IMPORTED:
        __import__(name)
    path = [each for each in sys.path if each and Path(each) != SUPPORT.parent]
    for line in sys.stdin.buffer:
        pid = os.fork()
        if not pid:
            become(*json.loads(line), path)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(arguments, cwd, environ, out, err, path):
    """Become the command, in a child; its end is the end of the process."""
    for number, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, out, os.O_WRONLY | os.O_CREAT),
        (2, err, os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environ)
    more = filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [cwd, *more, *path]
    sys.argv[:] = ["hookserve", *arguments]
    invalidate_caches()
    runpy.run_module("hookserve", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve()
