"""Where the access log's lines go: a descriptor, written to in whole lines."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from hookserve import ConfigError
from hookserve.system.calls import write
from hookserve_logging.files import NO_OWNER, Owner, open_log

_NEWLINE = ord("\n")


class Sink:
    """A file, or standard output for ``-``.

    Lines wait until `flush` is called and are written together.  A write that fails (a full disk)
    loses its lines and nothing else; the error log says so once, and how many were lost when
    writing works again.
    """

    def __init__(self, path: str, owner: Owner = NO_OWNER) -> None:
        self._path = path
        self._owner = owner
        self._descriptor = self._open()
        self._lines: list[str] = []
        self.write: Callable[[str], None] = self._lines.append
        """Take one line, without its end; may be called from any thread."""
        self._lock = threading.Lock()
        self._lost = 0
        self._is_cut = False
        """Whether the file ends within a line."""

    def flush(self) -> None:
        """Write what waits."""
        if not self._lines:
            return
        with self._lock:
            # The list is never replaced: a thread that appends now appends behind the batch.
            batch = self._lines[:]
            del self._lines[: len(batch)]
            batch.append("")
            text = "\n".join(["", *batch] if self._is_cut else batch)
            report = self._write(text.encode("utf-8", "replace"))
        if report:
            logging.getLogger("hookserve").error("accesslog: %s", report)

    def _write(self, data: bytes) -> str:
        """Write all of it; returns what is to be reported, if anything is."""
        left = memoryview(data)
        try:
            while left:
                left = left[write(self._descriptor, left) :]
                self._is_cut = data[len(data) - len(left) - 1] != _NEWLINE
        except OSError as error:
            is_first = not self._lost
            # A newline in front ends a line that has been written.
            self._lost += bytes(left).lstrip(b"\n").count(b"\n")
            reason = error.strerror or error
            return f"cannot write to {self._path}: {reason}; lines are lost" if is_first else ""
        lost, self._lost = self._lost, 0
        return f"{self._path} is written again; {lost} lines are lost" if lost else ""

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
