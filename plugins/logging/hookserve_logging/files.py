"""Log files: opened by the arbiter, and opened again by workers that run as another user."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from hookserve import ConfigError

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


class Owner(NamedTuple):
    """The account of the workers; -1 leaves one as it is (chown(2))."""

    user: int = -1
    group: int = -1


NO_OWNER = Owner()


def owner_for(config: Config) -> Owner:
    """To whom log files belong: the workers must be able to open them again after USR1.

    The names are known to exist: workers could not be forked otherwise.
    """
    user, group = NO_OWNER
    if config.user:
        import pwd

        name = str(config.user)
        try:
            entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
            user, group = entry.pw_uid, entry.pw_gid
        except KeyError:
            user = int(name) if name.isdigit() else -1
    if config.group:
        import grp

        name = str(config.group)
        try:
            group = int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
        except KeyError:
            pass
    return Owner(user, group)


def open_log(setting: str, path: str, owner: Owner) -> int:
    """A descriptor that appends to the file at `path`, which then belongs to `owner`.

    Root follows a symbolic link of root only, and gives no file away that has a second name:
    the owner of the directory could otherwise choose the file.  Raises ConfigError, which names
    the setting.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    is_root = os.geteuid() == 0
    try:
        target = _followed(path) if is_root else path
        if is_root and not target.startswith(_DESCRIPTORS):
            flags |= os.O_NOFOLLOW
        descriptor = os.open(target, flags, 0o644)
    except OSError as error:
        raise ConfigError(
            f"{setting}: cannot open {path}: {(error.strerror or str(error)).lower()}"
        ) from None
    if owner != NO_OWNER and is_root:
        try:
            _give(descriptor, owner)
        except FileExistsError as error:
            os.close(descriptor)
            raise ConfigError(f"{setting}: cannot open {path}: {error.strerror}") from None
        except OSError:  # a file system without owners, or a device
            pass
    return descriptor


_DESCRIPTORS = ("/proc/self/fd/", "/dev/fd/")
"""Links that lead to a descriptor of this process: what is open cannot be exchanged."""
_MOST_LINKS = 40
"""As many as the kernel follows (path_resolution(7))."""


def _followed(path: str) -> str:
    """Where links of root's lead to, or `path` itself, which is not a link then.

    Raises OSError for a link of another user, wherever in the chain it is.
    """
    for _ in range(_MOST_LINKS):
        target = path if path.startswith(_DESCRIPTORS) else _followed_once(path)
        if target == path:
            return path
        path = target
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _followed_once(path: str) -> str:
    """Where one link leads to, or `path` itself.

    The link is held open while its owner is read, so it cannot be exchanged in between; that
    needs Linux, and elsewhere root follows no link.
    """
    if not hasattr(os, "O_PATH"):
        return path
    try:
        link = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return path
    try:
        status = os.fstat(link)
        if not stat.S_ISLNK(status.st_mode):
            return path
        if status.st_uid != 0:
            raise OSError(errno.ELOOP, "it is a symbolic link of another user")
        return os.path.join(os.path.dirname(path), os.readlink("", dir_fd=link))
    finally:
        os.close(link)


def _give(descriptor: int, owner: Owner) -> None:
    """Change the owner of a regular file; raises FileExistsError if it has a second name."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_nlink > 1:
        raise FileExistsError(errno.EEXIST, "it is a hard link to another file")
    os.fchown(descriptor, *owner)
