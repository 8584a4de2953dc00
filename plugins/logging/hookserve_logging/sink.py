"""Where the access log's lines go: a descriptor, written to in whole lines."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from hookserve import ConfigError
from hookserve.system.calls import write
from hookserve_logging.files import NO_OWNER, Owner, open_log


class Sink:
    """A file, or standard output for ``-``.

    Lines wait until `flush` is called and are written together.  A write that fails (a full disk)
    loses its lines and nothing else.
    """

    def __init__(self, path: str, owner: Owner = NO_OWNER) -> None:
        self._path = path
        self._owner = owner
        self._descriptor = self._open()
        self._lines: list[str] = []
        self.write: Callable[[str], None] = self._lines.append
        """Take one line, without its end; may be called from any thread."""
        self._lock = threading.Lock()

    def flush(self) -> None:
        """Write what waits."""
        if not self._lines:
            return
        with self._lock:
            # The list is never replaced: a thread that appends now appends behind the batch.
            batch = self._lines[:]
            del self._lines[: len(batch)]
            batch.append("")
            data = memoryview("\n".join(batch).encode("utf-8", "replace"))
            try:
                while data:
                    data = data[write(self._descriptor, data) :]
            except OSError:
                pass

    def reopen(self) -> None:
        """Open the file again, after it was moved; when that fails the old one stays, which is
        logged."""
        self.flush()
        if self._path == "-":
            return
        try:
            fresh = self._open()
        except ConfigError as error:
            logging.getLogger("hookserve").error("%s; the old file stays in use", error)
            return
        os.dup2(fresh, self._descriptor, inheritable=False)
        os.close(fresh)

    def _open(self) -> int:
        if self._path == "-":
            return 1
        return open_log("accesslog", self._path, self._owner)
