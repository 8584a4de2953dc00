"""A unix socket's path: claimed by one server, never through a name that another user can swap.

The socket is bound in a new directory that is this process's alone, gets its mode and owner there,
and is renamed into place while it already listens.  Each step goes through a descriptor of a
directory, so the owner of the target directory cannot redirect it (CWE-59, CWE-367).
"""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple

from hookserve.errors import ListenError
from hookserve.listeners.address import UnixAddress
from hookserve.system.calls import Socket, close
from hookserve.system.folders import open_folder
from hookserve.system.locks import directory_lock

_LONGEST_PATH = 107
"""sun_path of unix(7), without the byte that ends it."""
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Ownership(NamedTuple):
    """The mode and the owner of a path."""

    mode: int
    user: int = -1
    """-1: as it is; so for the group."""
    group: int = -1


def bind_path(
    address: UnixAddress, ownership: Ownership, backlog: int, is_dry_run: bool = False
) -> tuple[Socket, int]:
    """A listening socket at the path, and the inode of the path; in a dry run nothing comes to the
    path, and the inode is 0.

    Raises ListenError or OSError when the path is a living server's, is not a socket, or cannot
    be made.
    """
    path = os.path.abspath(address.path)
    if len(os.fsencode(address.path)) > _LONGEST_PATH:
        raise OSError(errno.ENAMETOOLONG, f"the path is longer than {_LONGEST_PATH} bytes")
    parent = open_folder(os.path.dirname(path))
    try:
        with directory_lock(parent), _private_directory(parent) as private:
            refuse_taken(address)
            name = os.path.basename(path)
            return _bind(private, parent, name, ownership, backlog, is_dry_run)
    finally:
        close(parent)


def remove_path(address: UnixAddress, inode: int) -> None:
    """Unlink the path if it is still the socket with that inode; raises OSError."""
    path = os.path.abspath(address.path)
    folder, name = open_folder(os.path.dirname(path)), os.path.basename(path)
    try:
        if os.stat(name, dir_fd=folder, follow_symlinks=False).st_ino == inode:
            os.unlink(name, dir_fd=folder)
    finally:
        close(folder)


def refuse_taken(address: UnixAddress) -> None:
    """Raise an error when the path is a living server's, or not a socket at all."""
    try:
        mode = os.stat(address.path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ListenError(
            f"cannot listen on {address}: the path exists and is not a socket (remove it, or"
            " choose another path)"
        )
    client = Socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    # A full backlog makes a non-blocking connect() report EAGAIN: a server listens all the same.
    client.setblocking(False)
    outcome = client.connect_ex(address.path)
    client.close()
    if outcome in (0, errno.EAGAIN, errno.EINPROGRESS):
        raise OSError(errno.EADDRINUSE, "address already in use")


@contextlib.contextmanager
def _private_directory(parent: int) -> Iterator[int]:
    """A descriptor of a new directory that only this user can enter, removed afterwards."""
    name = f".hookserve-{os.urandom(8).hex()}"
    os.mkdir(name, 0o700, dir_fd=parent)
    try:
        private = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        try:
            status = os.fstat(private)
            # The owner of the parent may have put another directory there in between.
            if status.st_uid != os.geteuid() or status.st_mode & 0o077:
                raise PermissionError(errno.EPERM, "another process replaces files there")
            yield private
        finally:
            close(private)
    finally:
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=parent)


def _bind(
    private: int, parent: int, name: str, ownership: Ownership, backlog: int, is_dry_run: bool
) -> tuple[Socket, int]:
    listening = Socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        listening.bind(f"{_path_of(private)}/{name}")
        os.chmod(name, ownership.mode, dir_fd=private)
        if ownership.user >= 0 or ownership.group >= 0:
            os.chown(name, ownership.user, ownership.group, dir_fd=private, follow_symlinks=False)
        listening.listen(backlog)
        if is_dry_run:
            os.unlink(name, dir_fd=private)
            return listening, 0
        inode = os.stat(name, dir_fd=private, follow_symlinks=False).st_ino
        os.rename(name, name, src_dir_fd=private, dst_dir_fd=parent)
    except BaseException:
        listening.close()
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=private)
        raise
    return listening, inode


def _path_of(directory: int) -> str:
    """A name of an open directory that no other user can redirect."""
    return (
        f"/proc/self/fd/{directory}" if os.path.isdir("/proc/self/fd") else f"/dev/fd/{directory}"
    )
