"""Log files: opened by the arbiter, and opened again by workers that run as another user."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from hookserve import ConfigError
from hookserve.system.folders import open_file

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

    A FIFO must have a reader: to wait for one would hold the start up, and USR1.  Root follows no
    symbolic link by which another user leads it away
    (`hookserve.system.folders`), and gives no file away that has a second name.  Raises
    ConfigError, which names the setting.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = open_file(path, flags, 0o644)
    except OSError as error:
        raise ConfigError(f"{setting}: cannot open {path}: {_reason(path, error)}") from None
    os.set_blocking(descriptor, True)
    if owner != NO_OWNER and os.geteuid() == 0:
        try:
            _give(descriptor, owner)
        except FileExistsError as error:
            os.close(descriptor)
            raise ConfigError(f"{setting}: cannot open {path}: {error.strerror}") from None
        except OSError:  # a file system without owners, or a device
            pass
    return descriptor


def _reason(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"its directory does not exist (mkdir -p {os.path.dirname(path)})"
    if error.errno == errno.ENXIO and stat.S_ISFIFO(os.stat(path).st_mode):
        return "it is a FIFO that no process reads (start its reader first, or name a file)"
    return (error.strerror or str(error)).lower()


def _give(descriptor: int, owner: Owner) -> None:
    """Change the owner of a regular file; raises FileExistsError if it has a second name."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return
    if status.st_nlink > 1:
        raise FileExistsError(errno.EEXIST, "it is a hard link to another file")
    os.fchown(descriptor, *owner)
