"""The standard library as it was before it was patched, in a process of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

PATCHES = {
    "gevent": "from gevent import monkey; monkey.patch_all()",
    "eventlet": "import eventlet; eventlet.monkey_patch()",
    "unknown": """
import _thread, os, select, socket, threading, time
def cooperative(*_, **__):
    raise AssertionError("a patched function was called")
cooperative.__module__ = "unknown.hub"
_thread.start_new_thread = threading._start_new_thread = time.sleep = cooperative
_thread.LockType = threading.Lock = socket.socket = os.read = socket.socketpair = cooperative
threading._active = {}
threading._after_fork.__code__ = (lambda: None).__code__
del select.poll
""",
}
"""What a library does, by its name; the last is of none that is known here."""
CHECK = """
import logging, os, queue, select, selectors, socket, subprocess, sys, threading, time
from threading import Lock, Thread, get_ident

assert type(Lock()).__module__ == "_thread"
assert threading.current_thread() is threading.main_thread()
assert threading.main_thread().ident == get_ident() == threading.get_ident()
numbers = []
found = [Thread(target=lambda: numbers.append(threading.get_native_id())) for _ in range(2)]
for each in found:
    each.start()
for each in found:
    each.join()
assert len({*numbers, os.getpid()}) == 3
sent = queue.SimpleQueue()
threading.Timer(0.01, sent.put, [3]).start()
assert sent.get(timeout=10) == 3
select.poll().poll(1)
reading, writing = os.pipe()
os.write(writing, b"x")
assert os.read(reading, 1) == b"x"
ours, theirs = socket.socketpair()
assert isinstance(ours, socket.socket)
theirs.sendall(b"y")
assert ours.recv(1) == b"y"
assert subprocess.run(["echo", "z"], capture_output=True).stdout == b"z\\n"
assert type(logging._lock) is type(logging.getLogger().handlers[0].lock) is type(threading.RLock())
assert type(threading.RLock()).__module__ == "_thread"
logging.error("written")
assert holder.Lock is threading.Lock and holder.sleep is time.sleep
assert holder.socket is socket.socket
"""
PROGRAM = """
import logging, os, sys, types
from hookserve.system import calls, unpatching
logging.basicConfig(format="%(message)s")
{patch}
holder = types.ModuleType("holder")
exec("from socket import socket; from threading import Lock; from time import sleep", vars(holder))
sys.modules["holder"] = holder
assert calls.patches_threads()
pid = calls.fork()
if not pid:
    try:
        unpatching.unpatch()
        exec({check!r})
        assert not calls.patches_threads()
        os._exit(0)
    finally:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
for _ in range(1000):
    status = calls.reap(pid)
    if status is not None:
        break
    calls.sleep(0.01)
assert calls.patches_threads()
os._exit(status != 0)
"""


def run(program):
    """The exit code, and what is written to the standard error output."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.mark.parametrize("library", PATCHES)
def test_a_child_has_real_threads_waits_and_sockets_after_a_patch(library):
    assert run(PROGRAM.format(patch=PATCHES[library], check=CHECK)) == (0, "written\n")


def test_where_nothing_was_patched_nothing_is_changed():
    program = (
        "import socket, threading, os, sys\n"
        "from hookserve.system import unpatching\n"
        "os.environ['LATER'], thread, loaded = 'x', threading.Thread, set(sys.modules)\n"
        "unpatching.unpatch()\n"
        "assert threading.Thread is thread and os.environ['LATER'] == 'x'\n"
        "assert set(sys.modules) == loaded\n"
    )

    assert run(program) == (0, "")


def test_what_no_event_library_replaces_stays_as_the_application_has_it():
    program = (
        "import os, time\n"
        "from hookserve.system import unpatching\n"
        "from gevent import monkey; monkey.patch_all()\n"
        "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()\n"
        "unpatching.unpatch()\n"
        "assert (os.environ['TZ'], time.tzname[0]) == ('Asia/Tokyo', 'JST')\n"
        "os._exit(0)\n"
    )

    assert run(program) == (0, "")
