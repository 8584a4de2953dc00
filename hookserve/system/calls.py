"""System calls as they are before any worker model patches them.

gevent and eventlet replace functions of the standard library with cooperative ones.  The arbiter
and the loops of the workers must have the real ones, always: a read that switches to another
greenlet, or a close that is put off, would break them.  They import them from here, where they
are bound when hookserve is imported, before any model patches (`hookserve.reactor.patching`).

Sockets are of the C class under `socket.socket`, which is never patched; to import `socket`, which
makes enumerations of all its constants, would cost each process a third of a megabyte.
"""

from __future__ import annotations

import _socket
import _thread
import os
import select
import signal
import time

close = os.close
fork = os.fork
read = os.read
write = os.write
make_poll = select.poll
getaddrinfo = _socket.getaddrinfo
set_signal = signal.signal
Socket = _socket.socket
make_pair = _socket.socketpair
make_lock = _thread.allocate_lock
start_thread = _thread.start_new_thread
get_ident = _thread.get_ident
sleep = time.sleep
_waitpid = os.waitpid
LONGEST_WAIT = 2e6
"""Seconds, 23 days: poll(2) and epoll_wait(2) take milliseconds of 32 bits."""


def patches_threads() -> bool:
    """Whether a thread of `threading` would be a greenlet."""
    return _thread.start_new_thread is not start_thread


def reap(pid: int) -> int | None:
    """The wait status of a child that has ended, `None` while it runs (waitpid(2)).

    0 as well when other code has waited for it: a hook may wait for any child.
    """
    try:
        found, status = _waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return 0
    return status if found else None


def unnamed_file(name: str) -> int:
    """A descriptor of memory, where the system has that (memfd_create(2)), or of an unnamed file;
    to be closed."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
