"""The file with the arbiter's process id.

The arbiter holds a lock on its file for as long as it lives (flock(2)).  A number alone proves
nothing: the kernel gives it to another process later.  A successor writes a file beside it, and
renames that when the predecessor is gone (`hookserve.arbiter.upgrade` says when).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator

from hookserve.errors import ConfigError
from hookserve.system.folders import open_folder
from hookserve.system.locks import directory_lock

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class Pidfile:
    """A pidfile at `path`: made whole, then moved into place."""

    def __init__(self, path: str, inherited: int = -1) -> None:
        self.path = os.path.abspath(path)
        self._inherited = inherited
        """This process's own file from before exec(2), still locked; -1: there is none."""
        self._is_left = False
        self._fd = -1
        """The file, locked; -1: it is not created."""

    def descriptors(self) -> list[int]:
        """What a worker must not keep, for the lock would outlive the arbiter."""
        return [self._fd] if self._fd >= 0 else []

    def create(self) -> None:
        """Write this process's id.

        Raises ConfigError when the file belongs to a server that runs, is not a regular file, or
        cannot be written; a stale or garbled file is replaced.
        """
        try:
            with _folder_of(self.path) as directory, directory_lock(directory):
                self._refuse_taken(directory)
                self._fd = _write(directory, os.path.basename(self.path))
                if self._inherited >= 0:
                    os.close(self._inherited)
        except OSError as error:
            raise ConfigError(
                f"cannot write the pidfile {self.path}: {(error.strerror or str(error)).lower()}"
            ) from None

    def rename(self, path: str) -> None:
        """Move the file, so that it is never absent; raises OSError."""
        target = os.path.abspath(path)
        with _folder_of(self.path) as source, _folder_of(target) as folder:
            names = os.path.basename(self.path), os.path.basename(target)
            os.rename(*names, src_dir_fd=source, dst_dir_fd=folder)
        self.path = target

    def keep_for_successor(self) -> None:
        """Let it stay: a successor renames its own over it when this process is gone."""
        self._is_left = True

    def remove(self) -> None:
        """Remove the file if it is still this process's and is not left; never raises."""
        if self._fd < 0:
            return
        with contextlib.suppress(OSError), _folder_of(self.path) as folder:
            if not self._is_left and self._is_ours(folder):
                os.unlink(os.path.basename(self.path), dir_fd=folder)
        os.close(self._fd)
        self._fd = -1

    def _is_ours(self, folder: int) -> bool:
        name = os.path.basename(self.path)
        here = os.stat(name, dir_fd=folder, follow_symlinks=False)
        made = os.fstat(self._fd)
        is_same = (here.st_dev, here.st_ino) == (made.st_dev, made.st_ino)
        return is_same and _read(self._fd) == os.getpid()

    def _refuse_taken(self, directory: int) -> None:
        try:
            found = os.open(os.path.basename(self.path), _LOOK, dir_fd=directory)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno == errno.ELOOP:  # a symbolic link is replaced, never followed
                return
            raise
        try:
            if not stat.S_ISREG(os.fstat(found).st_mode):
                raise ConfigError(
                    f"the pidfile {self.path} exists and is not a regular file (remove it, or"
                    " choose another file with --pid)"
                )
            other = _read(found)
            if other != os.getpid() and _is_locked(found) and _is_alive(other):
                raise ConfigError(
                    f"the pidfile {self.path} belongs to the running process {other}"
                    " (stop it, or choose another file with --pid)"
                )
        finally:
            os.close(found)


@contextlib.contextmanager
def _folder_of(path: str) -> Iterator[int]:
    """A descriptor of the folder of a file; raises OSError."""
    folder = open_folder(os.path.dirname(path))
    try:
        yield folder
    finally:
        os.close(folder)


def _write(directory: int, name: str) -> int:
    """A descriptor of the file in place, with this process's id and locked; raises OSError."""
    temporary = f".{name[:200]}.{os.urandom(6).hex()}"
    descriptor = os.open(temporary, _CREATE, 0o644, dir_fd=directory)
    try:
        os.fchmod(descriptor, 0o644)
        os.write(descriptor, b"%d\n" % os.getpid())
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    return descriptor


def _read(descriptor: int) -> int:
    try:
        return int(os.pread(descriptor, 32, 0))
    except (OSError, ValueError):
        return 0


def _is_locked(descriptor: int) -> bool:
    """Whether a process holds the lock, or none can be had here, so that it is not known."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
