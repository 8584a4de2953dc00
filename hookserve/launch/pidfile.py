"""The file with the arbiter's process id."""

from __future__ import annotations

import os

from hookserve.errors import ConfigError


class Pidfile:
    """A pidfile at `path`, written and moved atomically."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        self._is_left = False

    def create(self) -> None:
        """Write this process's id.

        Raises ConfigError when the file holds the id of a living process, or cannot be written;
        a stale or garbled file is replaced.
        """
        other = self._living_owner()
        if other:
            raise ConfigError(
                f"the pidfile {self.path} belongs to the running process {other}"
                " (stop it, or choose another file with --pid)"
            )
        try:
            import tempfile

            descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(self.path))
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{os.getpid()}\n")
                os.fchmod(file.fileno(), 0o644)
            os.rename(temporary, self.path)
        except OSError as error:
            raise ConfigError(
                f"cannot write the pidfile {self.path}: {(error.strerror or str(error)).lower()}"
            ) from None

    def rename(self, path: str) -> None:
        """Move the file, so that it is never absent; raises OSError."""
        target = os.path.abspath(path)
        os.rename(self.path, target)
        self.path = target

    def leave(self) -> None:
        """Let it stay: a successor renames its own over it when this process is gone."""
        self._is_left = True

    def remove(self) -> None:
        """Remove the file if it still has this process's id and is not left; never raises."""
        try:
            if not self._is_left and self._read() == os.getpid():
                os.unlink(self.path)
        except OSError:
            pass

    def _read(self) -> int:
        try:
            with open(self.path, encoding="ascii", errors="replace") as file:
                return int(file.read(32))
        except (OSError, ValueError):
            return 0

    def _living_owner(self) -> int:
        pid = self._read()
        if pid <= 0 or pid == os.getpid():
            return 0
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return 0
        except PermissionError:
            pass
        return pid
