"""What a worker waits for: descriptors with their handlers, and the moment of the next sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hookserve.reactor.poller import FOR_EVER, READABLE, make_poller
from hookserve.reactor.waiter import Waiter
from hookserve.system.calls import make_lock

if TYPE_CHECKING:
    from hookserve.worker.base import Worker


def _nothing() -> None:
    pass


class Loop:
    """One poller, the handlers of descriptors that are not connections, and one timer.

    `on_earlier_sweep` is called when `next_sweep` has become earlier, from the thread that made it
    so: a model whose loop waits elsewhere wakes it there.
    """

    def __init__(
        self, worker: Worker, batch: int, on_earlier_sweep: Callable[[], None] = _nothing
    ) -> None:
        self.poller = make_poller()
        self.wait = Waiter(worker, self.poller, batch).wait
        """Called with seconds: returns the events that come within them."""
        self.handlers: dict[int, Callable[[], None]] = {}
        """By descriptor."""
        self.next_sweep = FOR_EVER
        """When deadlines must be looked at next, in seconds of the monotonic clock."""
        self.on_earlier_sweep = on_earlier_sweep
        self._lock = make_lock()

    def watch(self, fd: int, handler: Callable[[], None], flags: int = 0) -> None:
        """Call `handler` whenever the descriptor is readable; raises OSError."""
        self.handlers[fd] = handler  # before the first event
        try:
            self.poller.register(fd, READABLE | flags)
        except OSError:
            del self.handlers[fd]
            raise

    def unwatch(self, fd: int) -> None:
        """Stop watching the descriptor."""
        self.poller.unregister(fd)
        self.handlers.pop(fd, None)

    def sweep_by(self, moment: float) -> None:
        """Sweep at that moment, or earlier; from any thread."""
        with self._lock:
            if moment >= self.next_sweep:
                return
            self.next_sweep = moment
        self.on_earlier_sweep()

    def begin_sweep(self) -> None:
        """No sweep is due but the one that begins."""
        with self._lock:
            self.next_sweep = FOR_EVER
