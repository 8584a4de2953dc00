"""Files that root opens: a user's symbolic link leads root into no folder but that user's own.

A path is followed name by name through descriptors of its folders, so that what was looked at
cannot be exchanged afterwards (CWE-59, CWE-367).  For other users the kernel follows it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

_MOST_LINKS = 40
"""As many as the kernel follows (path_resolution(7))."""
_DESCRIPTORS = ("/proc/self/fd/", "/dev/fd/")
"""Links that lead to a descriptor of this process: what is open cannot be exchanged."""
_ANY_USER = -1


def open_file(path: str, flags: int, mode: int = 0o600) -> int:
    """A descriptor of the file at `path`, as open(2) gives it, links followed.

    Raises OSError; for root also where a symbolic link on the way is another user's and leads
    into a folder that is not that user's.
    """
    if os.geteuid() != 0:
        return os.open(path, flags, mode)
    if not hasattr(os, "O_PATH"):
        return os.open(path, flags | os.O_NOFOLLOW, mode)
    way = _Way(path)
    with contextlib.closing(way):
        way.follow()
        if way.descriptor:
            return os.open(way.descriptor, flags, mode)
        return os.open(way.name, flags | os.O_NOFOLLOW, mode, dir_fd=way.folder)


def open_folder(path: str) -> int:
    """A descriptor of the folder at `path`, for `dir_fd`; raises OSError as `open_file` does."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    if os.geteuid() != 0 or not hasattr(os, "O_PATH"):
        return os.open(path, flags)
    way = _Way(os.path.join(path, "."))
    with contextlib.closing(way):
        way.follow()
        return os.open(".", flags, dir_fd=way.folder)


class _Way:
    """From the root, or the working directory, to a file: the folder and the name in it."""

    def __init__(self, path: str) -> None:
        self._names: list[str] = []
        """Those that are still to be followed, the next one last."""
        self.folder = -1
        """A descriptor of the folder that was reached."""
        self.name = ""
        self.descriptor = ""
        """The path of an open descriptor of this process to which the path leads."""
        self._choosers: set[int] = set()
        """The users who can have chosen the way, root aside."""
        self._enter(os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        self._add(path)

    def close(self) -> None:
        """Close the folder."""
        os.close(self.folder)

    def follow(self) -> None:
        """Go to the folder of the last name, which is not a link or does not exist; raises
        OSError."""
        links = 0
        while self._names and not self.descriptor:
            self.name = self._names.pop()
            try:
                found = os.open(
                    self.name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.folder
                )
            except FileNotFoundError:
                if self._names:
                    raise
                break
            status = os.fstat(found)
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _MOST_LINKS:
                    os.close(found)
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                self._follow_link(found, status)
            elif self._names:
                self._enter(found)
            else:
                os.close(found)
        self._refuse_choice()

    def _follow_link(self, link: int, status: os.stat_result) -> None:
        try:
            target = os.readlink("", dir_fd=link)
        finally:
            os.close(link)
        folder = os.fstat(self.folder)
        # Who owns the folder may have moved a link of root's there.
        self._choosers |= {status.st_uid, folder.st_uid}
        if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
            self._choosers.add(_ANY_USER)
        self._add(target)

    def _add(self, path: str) -> None:
        """Follow this path next, and then what is left."""
        if path.startswith(_DESCRIPTORS) and not self._names:
            self.descriptor = path
            return
        if path.startswith("/"):
            self._enter(os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        names = [name for name in path.split("/") if name]
        self._names += reversed(names or ["."])

    def _enter(self, folder: int) -> None:
        if self.folder >= 0:
            os.close(self.folder)
        self.folder = folder

    def _refuse_choice(self) -> None:
        """Raises OSError where a user can have led root into a folder that is not the user's."""
        owner = os.fstat(self.folder).st_uid
        if self._choosers - {0, owner} and not self.descriptor:
            raise OSError(
                errno.ELOOP,
                "it leads through a symbolic link of another user (give the path behind it)",
            )
