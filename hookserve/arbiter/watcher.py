"""What the arbiter waits for: descriptors, each with a callback."""

from __future__ import annotations

import select
from collections.abc import Callable

from hookserve.system.calls import LONGEST_WAIT, make_poll


class Watcher:
    """A poller of descriptors; all of it runs in the arbiter's only thread."""

    def __init__(self) -> None:
        self._poller = make_poll()
        self._callbacks: dict[int, Callable[[], None]] = {}

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._callbacks

    def watch(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor is readable, or its other end is closed."""
        self._callbacks[descriptor] = callback
        self._poller.register(descriptor, select.POLLIN)

    def unwatch(self, descriptor: int) -> None:
        """Stop watching a descriptor, if it was watched."""
        if self._callbacks.pop(descriptor, None) is not None:
            self._poller.unregister(descriptor)

    def wait(self, seconds: float | None) -> list[int]:
        """Wait at most that long, for ever with `None`; returns the descriptors to `call`."""
        if seconds is not None:
            seconds = max(0.0, min(seconds, LONGEST_WAIT)) * 1000.0
        return [descriptor for descriptor, _ in self._poller.poll(seconds)]

    def call(self, descriptors: list[int]) -> None:
        """Call back for each that is still watched: a callback may have closed another's."""
        for descriptor in descriptors:
            callback = self._callbacks.get(descriptor)
            if callback is not None:
                callback()
