"""What the recipe of a container relies on: process 1, a read-only root, a user without a name.

No engine of containers is needed: namespaces of Linux do what one does.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hookserve.testing.waiting import wait_until
from tests.image import recipe
from tests.roll.network import ROOT
from tests.support.machine import lacking
from tests.support.namespaces import states

USER = "10001"
APPLICATION = """
import os, subprocess, sys

def application(environ, start_response):
    # A child that ends before its own child does: process 1 has to reap the latter.
    orphan = "import os; os.fork() or os.execlp('sleep', 'sleep', '0.1')"
    subprocess.run([sys.executable, "-c", orphan], check=True)
    body = str(os.getuid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
_NEEDED = ("unshare", "setpriv", "mount", "nsenter", "ip")
_ALONE = ["unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
_WITHOUT_RIGHTS = [
    *("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
    *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"),
]
_HOME = os.path.expanduser("~root")
_USED = (sys.base_prefix, sys.prefix, str(ROOT))


def read_only():
    """Commands of the shell after which nothing may be written, in namespaces of its own: not the
    root, not the memory that programs share.  Of root's home the user may read what is used."""
    hidden = [path for path in _USED if path.startswith(f"{_HOME}/")]
    commands = ["mount -t tmpfs tmpfs /mnt"]
    for number, path in enumerate(hidden):
        commands += [f"mkdir /mnt/{number}", f"mount --bind '{path}' /mnt/{number}"]
    if hidden:
        commands.append(f"mount -t tmpfs -o mode=755 tmpfs {_HOME}")
    for number, path in enumerate(hidden):
        commands += [f"mkdir -p '{path}'", f"mount --bind /mnt/{number} '{path}'"]
    for place in [*hidden, *([_HOME] if hidden else []), "/mnt", "/"]:
        commands.append(f"mount -o remount,bind,ro '{place}'")
    commands += ["mount -t tmpfs -o ro tmpfs /dev/shm", 'exec "$@"']
    return " && ".join(commands)


def missing():
    """What this machine lacks, in one line; empty: nothing."""
    if absent := lacking(_NEEDED, "util-linux iproute2", "namespaces"):
        return absent
    words = [*_ALONE, "sh", "-c", read_only(), "sh", *_WITHOUT_RIGHTS, "sh", "-c"]
    words.append(f"exec {sys.executable} -c 'import hookserve'")
    tried = subprocess.run(words, capture_output=True, text=True)
    return tried.stderr.strip() if tried.returncode else ""


class Container:
    """A process 1 of its own, with the recipe's command."""

    def __init__(self, folder):
        (folder / "shop.py").write_text(APPLICATION)
        folder.chmod(0o755)
        entry, command = recipe.words("ENTRYPOINT"), recipe.words("CMD")
        assert entry == ["/srv/shop/venv/bin/hookserve"]
        server = [sys.executable, "-m", "hookserve", "--chdir", str(folder), *command]
        words = [*_ALONE, "sh", "-c", f"ip link set lo up && {read_only()}", "sh"]
        self._log = folder / "log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(
                [*words, *_WITHOUT_RIGHTS, *server],
                env={"PATH": os.environ["PATH"], "HOME": "/", "PYTHONDONTWRITEBYTECODE": "1"},
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: " ready" in self.log or self._process.poll() is not None)
        assert self._process.poll() is None, self.log

    @property
    def log(self):
        return self._log.read_text()

    @property
    def first(self):
        """The process id, outside, of process 1."""
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def states(self):
        return states(self.first)

    def get(self):
        command = ["nsenter", f"--target={self.first}", "--net", sys.executable, "-c", _CLIENT]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def stop(self):
        """TERM to process 1, as an engine sends it; the exit code."""
        os.kill(self.first, signal.SIGTERM)
        return self._process.wait(30)

    def close(self):
        if self._process.poll() is None:
            # All of its namespace ends with it.  --kill-child is no more: the kernel forgets it
            # where a process changes its user (prctl(2), PR_SET_PDEATHSIG).
            os.kill(self.first, signal.SIGKILL)
        self._process.wait()


_CLIENT = """
import socket
with socket.create_connection(("127.0.0.1", 8000), 10) as client:
    client.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n")
    print(client.makefile("rb").read().decode().rpartition("\\n")[2], end="")
"""


@pytest.fixture
def folder():
    """One that every user may read, as `tmp_path` is not."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture
def container(folder):
    if reason := missing():
        pytest.skip(reason)
    made = Container(folder)
    yield made
    made.close()


@pytest.mark.process
def test_the_command_of_the_recipe_serves_as_process_1_with_nothing_to_write_to(container):
    before = len(container.states())
    assert container.get() == USER, container.log
    assert "WARNING" not in container.log, container.log
    # The orphans end after their requests: none of them stays a zombie.
    wait_until(lambda: len(container.states()) == before)
    assert "Z" not in container.states()
    assert container.stop() == 0, container.log


@pytest.mark.process
def test_process_1_starts_no_successor_that_would_end_with_it(container):
    before = len(container.states())

    os.kill(container.first, signal.SIGUSR2)

    wait_until(lambda: "USR2: nothing is done, this is process 1" in container.log)
    assert len(container.states()) == before
    assert container.get() == USER, container.log


def test_the_recipe_runs_as_a_user_with_a_number_and_without_a_shell():
    assert recipe.instructions("USER") == [f"{USER}:{USER}"]
    assert recipe.words("ENTRYPOINT")[0].startswith("/")
