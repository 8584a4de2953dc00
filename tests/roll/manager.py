"""What stands in for systemd on the hosts of the roll: it runs the unit of the guide.

systemd itself is for the whole machine.  Of a unit it obeys what decides how a server is started
and stopped: ExecStart, WorkingDirectory, RuntimeDirectory, Type=notify, TimeoutStartSec,
TimeoutStopSec and Restart=on-failure; not whose user it is, nor the sandbox.  A start that fails
is not tried again.  ``python -m tests.roll.manager serve UNIT`` is the manager; with the words of
systemctl (``restart shop``, ``kill --kill-whom=main -s USR2 shop``) it is the client.
"""

import configparser
import ctypes
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

RUN = Path(os.environ.get("MANAGER_RUN", "/run"))
CONTROL, NOTIFY, LOG = (str(RUN / name) for name in ("manager.sock", "notify.sock", "shop.log"))
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of prctl(2): the successor of an upgrade is ours when its parent ends."""


class Unit:
    """A service's unit file."""

    def __init__(self, path):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        parser.read(path)
        service = parser["Service"]
        self.command = shlex.split(service["ExecStart"])
        self.folder = service["WorkingDirectory"]
        self.runtime = service.get("RuntimeDirectory")
        self.start_limit = float(service["TimeoutStartSec"])
        self.stop_limit = float(service["TimeoutStopSec"])
        self.is_restarted = service["Restart"] == "on-failure"


class Manager:
    """Supervises one service."""

    def __init__(self, unit):
        self._unit = unit
        self._main = 0
        """The process id of the service; 0: it does not run."""
        self._is_ready = self._is_wanted = False
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(NOTIFY)
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._control.bind(CONTROL)
        self._control.listen()

    def serve(self):
        """Run until told to end (TERM), with the service."""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            self._run()
        finally:
            if self._main:
                os.kill(self._main, signal.SIGINT)

    def _run(self):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
        while True:
            ready, _, _ = select.select([self._notified, self._control], [], [], 0.05)
            self._step()
            if self._control in ready:
                client, _ = self._control.accept()
                with client:
                    words = client.recv(1000).decode().split("\0")
                    client.sendall(self._obey(words).encode())

    def _step(self):
        """Start the service again when it has ended by a failure."""
        self._look()
        if self._is_wanted and not self._main and self._unit.is_restarted:
            self._start()

    def _obey(self, words):
        """Why it failed, or an empty text; the value of a property after ``=``."""
        if words[0] == "start":
            return self._start()
        if words[0] == "restart":
            return self._stop() or self._start()
        if words[0] == "stop":
            return self._stop()
        if words[:3] == ["kill", "--kill-whom=main", "-s"]:
            os.kill(self._main, signal.Signals[f"SIG{words[3]}"])
            return ""
        if words[:3] == ["show", "--property=MainPID", "--value"]:
            return f"={self._main}"
        return f"unknown: {words}"

    def _start(self):
        self._is_ready = False
        if self._unit.runtime:
            (RUN / self._unit.runtime).mkdir(exist_ok=True)
        environ = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": NOTIFY}
        with open(LOG, "ab") as log:
            started = subprocess.Popen(
                self._unit.command, cwd=self._unit.folder, env=environ, stdout=log, stderr=log
            )
        started.returncode = 0  # it is waited for here, with all the others
        self._main = started.pid
        self._wait(self._unit.start_limit, lambda: self._is_ready or not self._main)
        self._is_wanted = self._is_ready and bool(self._main)
        if self._is_wanted:
            return ""
        self._kill()
        return "the service did not start"

    def _stop(self):
        self._is_wanted = False
        if self._main:
            os.kill(self._main, signal.SIGTERM)
            self._wait(self._unit.stop_limit, lambda: not self._main)
            if self._main:
                self._kill()
                return "the service did not stop in time"
        return ""

    def _kill(self):
        if self._main:
            os.kill(self._main, signal.SIGKILL)
            self._wait(5, lambda: not self._main)

    def _wait(self, limit, condition):
        deadline = time.monotonic() + limit
        while not condition() and time.monotonic() < deadline:
            select.select([self._notified], [], [], 0.05)
            self._look()

    def _look(self):
        """Read what the service says, and which processes have ended."""
        while select.select([self._notified], [], [], 0)[0]:
            for line in self._notified.recv(10_000).decode().splitlines():
                name, _, value = line.partition("=")
                if name == "READY":
                    self._is_ready = True
                elif name == "MAINPID":
                    self._main = int(value)
        try:
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == self._main:
                    self._main = 0
                    self._is_wanted = self._is_wanted and ended[1] != 0
        except ChildProcessError:
            pass  # there is none


def ask(words):
    """Ask the manager; the exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.connect(CONTROL)
        asked.sendall("\0".join(words).encode())
        answer = asked.makefile().read()
    if answer.startswith("="):
        print(answer[1:])
        return 0
    print(answer, file=sys.stderr, end="\n" if answer else "")
    return 1 if answer else 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        Manager(Unit(sys.argv[2])).serve()
    sys.exit(ask(sys.argv[1:]))
