"""Who has subscribed to what, in one worker."""

from __future__ import annotations

import threading
from collections.abc import Callable

Push = Callable[[bytes], None]
"""Has a message sent to one subscriber, from any thread."""


class Channels:
    """Subscribers by channel; each method may be called in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[bytes, dict[Push, None]] = {}

    def add(self, channel: bytes, push: Push) -> None:
        """Subscribe."""
        with self._lock:
            self._subscribers.setdefault(channel, {})[push] = None

    def remove(self, channel: bytes, push: Push) -> None:
        """Subscribe no more."""
        with self._lock:
            found = self._subscribers.get(channel, {})
            found.pop(push, None)
            if not found:
                self._subscribers.pop(channel, None)

    def publish(self, channel: bytes, message: bytes) -> int:
        """Send a message to all subscribers of a channel; how many they are."""
        with self._lock:
            found = list(self._subscribers.get(channel, ()))
        for push in found:
            push(message)
        return len(found)
