"""Waiting for what a command has asked for, of the server that it was given to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, TypeVar

from hookserve_status.client import Refused, StatusClient, Unreachable

_PAUSE = 0.1
_GONE_AFTER = 2.0
"""Seconds for which a server whose process is not there has not answered: at a reload another
process begins to answer."""
_Found = TypeVar("_Found")


class Waiting:
    """Waits for one server, `limit` seconds at most; another may be at its address by then."""

    def __init__(self, client: StatusClient, limit: float) -> None:
        """Raises Unreachable."""
        self._client = client
        self._limit = limit
        self._pid = int(client.snapshot()["pid"])

    def wait(self, look: Callable[[dict[str, Any]], _Found | None], otherwise: str) -> _Found:
        """Look at the status until there is something.

        Raises Refused when the time is over, `otherwise`, and when the server stops or is gone;
        Unreachable when none has answered at the last look.
        """
        until = time.monotonic() + self._limit
        silent_since = None
        while True:
            unreachable = None
            try:
                if found := look(self._snapshot()):
                    return found
                silent_since = None
            except Unreachable as error:
                unreachable = error
            now = time.monotonic()
            if unreachable is not None:
                silent_since = silent_since or now
                if now >= silent_since + _GONE_AFTER and not _is_there(self._pid):
                    raise Refused(f"the server (pid {self._pid}) is gone: {unreachable}")
            if now >= until:
                raise unreachable or Refused(f"{otherwise} after {self._limit:g} s")
            time.sleep(_PAUSE)

    def wait_for_end(self) -> None:
        """Until the server is gone; raises Refused when the time is over."""
        until = time.monotonic() + self._limit
        while self._is_at_its_address():
            if time.monotonic() >= until:
                raise Refused(f"the server is not gone after {self._limit:g} s")
            time.sleep(_PAUSE)

    def _snapshot(self) -> dict[str, Any]:
        snapshot = self._client.snapshot()
        if snapshot["pid"] != self._pid:
            raise Refused(
                f"the server (pid {self._pid}) is gone, and another is there (pid"
                f" {snapshot['pid']})"
            )
        if snapshot["is_draining"]:
            raise Refused("the server stops")
        return snapshot

    def _is_at_its_address(self) -> bool:
        try:
            return int(self._client.snapshot()["pid"]) == self._pid
        except Unreachable:
            return False


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True
