"""The directory of prometheus_client's files: the operator's, or one that ends with the server."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping

from hookserve.errors import ConfigError

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""By which prometheus_client finds it."""
HANDED_ON = "PROMETHEUS_MULTIPROC_DIR_OF_ARBITER"
"""By which an arbiter that is executed again finds its own: process id and path.  A name with our
prefix would be a setting."""
_MEMORY = "/dev/shm"
_made: dict[int, str] = {}
"""By the process id of the arbiter: one directory, through all reloads."""


def find_named(environ: Mapping[str, str], raw_env: Iterable[str]) -> str | None:
    """The directory that the operator names; of the server's own one, `None`."""
    named = dict(word.partition("=")[::2] for word in raw_env)
    path = named.get(VARIABLE) or environ.get(VARIABLE)
    return None if path == _made.get(os.getpid()) else path


def open_directory(named: str | None, user: str | int | None) -> str:
    """The path of the directory, which is there; one that is made belongs to `user`.

    Raises ConfigError.
    """
    try:
        if named:
            os.makedirs(named, exist_ok=True)
            return named
        path = _own()
        if user is not None:
            with contextlib.suppress(LookupError):  # no worker will be forked
                shutil.chown(path, int(user) if str(user).isdecimal() else user)
    except OSError as error:
        raise ConfigError(
            f"prometheus_client: cannot make the directory of its files: {error.strerror}:"
            f" {error.filename} (set {VARIABLE} to one that can be written)"
        ) from None
    return path


@contextlib.contextmanager
def as_owner(path: str) -> Iterator[None]:
    """As root, with the rights of the directory's owner alone meanwhile: the user of the workers
    may put anything there.  In a process with one thread."""
    owner = os.stat(path)
    if os.geteuid() or not owner.st_uid:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _own() -> str:
    pid = os.getpid()
    found = _made.get(pid) or _handed_on(os.environ.get(HANDED_ON, ""))
    if found is None:
        # Files that are mapped: on a disk each change would be written out.
        memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        found = tempfile.mkdtemp(prefix="hookserve-prometheus-", dir=memory)
    if pid not in _made:
        _made[pid] = found
        atexit.register(_remove, pid, found)
    return found


def _handed_on(text: str) -> str | None:
    pid, _, path = text.partition(":")
    return path if pid == str(os.getpid()) and os.path.isdir(path) else None


def describe_own() -> str:
    """What `HANDED_ON` is to be; empty where the directory is the operator's."""
    pid = os.getpid()
    return f"{pid}:{_made[pid]}" if pid in _made else ""


def _remove(pid: int, path: str) -> None:
    """At the end of the arbiter, not of what it forked."""
    if os.getpid() == pid:
        shutil.rmtree(path, ignore_errors=True)
