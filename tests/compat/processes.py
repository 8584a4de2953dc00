"""One server: it is started in a directory of its own, asked, signalled, and ended."""

import contextlib
import itertools
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from pathlib import Path

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from hookserve.testing import wait_until

DEPLOYMENT = Path(__file__).parent / "deployment"
START, STEP = 30.0, 12.0
"""Seconds: until the first response, and for each later step."""


_ports = itertools.count(20000 + os.getpid() % 100 * 100)


def free_port():
    """A port that nothing listens on, asked for once and below those that clients get."""
    while True:
        with (
            contextlib.suppress(OSError),
            socket.create_server(("127.0.0.1", next(_ports))) as listening,
        ):
            return listening.getsockname()[1]


def wait_for(condition, seconds):
    """The first value that is true, or the last one."""
    value = None

    def is_met():
        nonlocal value
        value = condition()
        return bool(value)

    with contextlib.suppress(AssertionError):
        wait_until(is_met, seconds)
    return value


class Metrics:
    """Receives statsd's packets on a port of its own."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.names = set()
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self):
        with contextlib.suppress(OSError):
            while data := self.socket.recv(65536):
                for line in data.decode("latin-1").splitlines():
                    name, _, value = line.partition(":")
                    tags = value.partition("|#")[2]
                    self.names.add(f"{name} {tags}".strip())

    def close(self):
        """No more packets."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Running:
    """A server in a case's directory; `environment` marks its processes, daemons too."""

    def __init__(self, case, program, folder):
        self.case, self.folder = case, Path(folder)
        shutil.copytree(DEPLOYMENT, self.folder, dirs_exist_ok=True)
        (self.folder / "home").mkdir()
        self.port, self.metrics = free_port(), Metrics()
        self._places = {
            "@PORT@": str(self.port),
            "@STATSD@": str(self.metrics.port),
            "@DIR@": str(self.folder),
        }
        if case.file:
            (self.folder / "conf.py").write_text(self.fill(case.file))
        self.command = [*program, *shlex.split(self.fill(case.line))]
        self.process = None
        self.pid = None

    def fill(self, text):
        """Ports and the directory in place of their names."""
        for place, value in self._places.items():
            text = text.replace(place, value)
        return text

    def _environment(self):
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        asked = {name: self.fill(value) for name, value in self.case.env.items()}
        own = {"HOME": str(self.folder / "home"), "COMPAT_SEEN": str(self.folder / "seen")}
        return kept | own | {"PYTHONDONTWRITEBYTECODE": "1"} | asked

    def start(self):
        """Start it; a daemon's process id is known when it has written its pidfile."""
        with (
            open(self.folder / "stdout", "wb") as out,
            open(self.folder / "stderr", "wb") as err,
        ):
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        self.pid = self.process.pid
        if self.case.pidfile:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(START)
            text = wait_for(lambda: _text(self.folder / self.case.pidfile), STEP)
            self.pid = int(text) if text.strip().isdigit() else self.pid

    def _connect(self):
        if self.case.socket:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(STEP)
            connection.connect(str(self.folder / self.case.socket))
            return connection
        connection = socket.create_connection(("127.0.0.1", self.port), STEP)
        if self.case.tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context.wrap_socket(connection)
        return connection

    def ask(self, method, path, body=b"", **headers):
        """Status, headers and body of a request; None where the connection fails."""
        fields = {"Host": "example.org", "User-Agent": "compat/1", "Referer": "http://from/here"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        fields |= {"Content-Length": str(len(body))} if body else {}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        text = f"{method} {self.case.prefix}{path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n"
        received = b""
        try:
            with self._connect() as connection:
                connection.sendall(text.encode() + body)
                while data := connection.recv(65536):
                    received += data
        except OSError:
            return None
        return _parsed(received)

    def converse(self, path):
        """What a websocket there sends for two messages; None where there is none.

        The client's close is not waited for: simple-websocket answers it in a thread of its own,
        which under gunicorn may be too late.
        """
        try:
            with connect(f"ws://example.org{path}", sock=self._connect()) as client:
                client.send("one")
                client.send("two")
                return {"status": "101", "messages": [client.recv(STEP), client.recv(STEP)]}
        except (OSError, WebSocketException):
            return None

    def first(self):
        """The first response, as soon as there is one; None if the server ends before."""
        response = None

        def is_over():
            nonlocal response
            response = self.ask("GET", "/first?a=1&b=two")
            ended = self.process.poll() not in (None, 0) or not self.is_alive()
            return response is not None or ended

        wait_for(is_over, START)
        return response

    def is_alive(self):
        """Whether the arbiter exists."""
        if not self.case.pidfile:
            return self.process.poll() is None
        return _state(self.pid) not in ("", "Z")

    def children(self):
        """The process ids of its direct children."""
        text = _text(Path(f"/proc/{self.pid}/task/{self.pid}/children"))
        return [int(pid) for pid in text.split() if _state(pid) not in ("", "Z")]

    def workers(self):
        """Of its children those that have a listener open; others have work of their own."""
        return [pid for pid in self.children() if _sockets(pid) & _listening()]

    def signal(self, number):
        """Send the arbiter a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self):
        """Its exit code: `gone` for a daemon, None if it is there still."""
        wait_for(lambda: not self.is_alive(), STEP)
        if self.is_alive():
            return None
        return "gone" if self.case.pidfile else self.process.returncode

    def end(self):
        """Kill what is left of it, found by the variable that all its processes have."""
        mark = f"COMPAT_SEEN={self.folder}/seen".encode()
        left = [pid for pid in _pids() if mark in _environ(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        self.metrics.close()
        return len(left)


def _parsed(received):
    head, _, body = received.partition(b"\r\n\r\n")
    match = re.match(rb"HTTP/1\.[01] (\d{3}.*)", head)
    if match is None:
        return None
    names = sorted(line.partition(b":")[0].decode().lower() for line in head.split(b"\r\n")[1:])
    return {
        "status": match[1].decode().strip(),
        "headers": [name for name in names if name != "connection"],
        "body": body.decode("latin-1"),
    }


def _text(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def _state(pid):
    return _text(Path(f"/proc/{pid}/stat")).rpartition(")")[2].strip()[:1]


def _sockets(pid):
    found = set()
    with contextlib.suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(os.readlink(path).removeprefix("socket:[").removesuffix("]"))
    return found


def _listening():
    """The inodes of all sockets that listen."""
    found = set()
    for name in ("tcp", "tcp6"):
        rows = [line.split() for line in _text(Path("/proc/net", name)).splitlines()[1:]]
        found |= {row[9] for row in rows if row[3] == "0A"}
    rows = [line.split() for line in _text(Path("/proc/net/unix")).splitlines()[1:]]
    return found | {row[6] for row in rows if row[3] == "00010000"}


def _pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _environ(pid):
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
