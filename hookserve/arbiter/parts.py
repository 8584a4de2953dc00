"""What the arbiter's loop asks of each of its parts.

A part overrides what it has; the arbiter iterates its list of parts, so that a new part is one line
there.
"""

from __future__ import annotations

from collections.abc import Collection


class Part:
    """One part of the arbiter.  All of it runs in the arbiter's only thread."""

    def descriptors(self) -> Collection[int]:
        """The descriptors that a forked child must close."""
        return ()

    def pids(self) -> Collection[int]:
        """The process ids of its children that are not workers."""
        return ()

    def due(self, now: float) -> float | None:
        """When `step` must be called at the latest, in seconds of the monotonic clock; `None`:
        only when something happens."""
        return None

    def step(self, now: float) -> None:
        """Take the step that is due, if there is one; called after every turn of the loop."""

    def reap(self) -> None:
        """A child has ended (SIGCHLD); it may be one of this part."""
