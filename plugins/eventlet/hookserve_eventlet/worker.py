"""The eventlet worker: the primitives that `GreenWorker` asks for, by eventlet."""

from __future__ import annotations

import select
import warnings
from collections.abc import Callable
from typing import cast

import greenlet

with warnings.catch_warnings():
    # That eventlet is in maintenance is said in the README, not at every start.
    warnings.simplefilter("ignore")
    from eventlet import hubs
    from eventlet.greenthread import GreenThread

from hookserve.reactor.green import Greenlet, GreenWorker, Task
from hookserve.reactor.poller import replace_poller
from hookserve.worker.context import WorkerContext


class EventletWorker(GreenWorker):
    """Greenlets on eventlet's hub."""

    def __init__(self, context: WorkerContext) -> None:
        # The arbiter may have had a hub, if it preloaded the application.
        hubs.use_hub()
        super().__init__(context)
        self._hub = hubs.get_hub()
        self.switch_to_hub = self._hub.switch
        self.current = cast("Callable[[], Greenlet]", greenlet.getcurrent)

    def spawn(self, body: Callable[[Task], None], task: Task) -> None:
        """In a greenlet of eventlet's own kind, for applications that ask which one runs."""
        GreenThread(self._hub.greenlet).switch(body, (task,), {})

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """A listener of the hub, for the worker's life."""
        self._hub.add(self._hub.READ, fd, lambda _: callback(), _nothing, _nothing)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """A timer of the hub."""
        return cast(
            "Callable[[], object]", self._hub.schedule_call_global(seconds, callback).cancel
        )

    def after_fork(self) -> None:
        """As `GreenWorker.after_fork`; eventlet leaves the child the hub's epoll object."""
        super().after_fork()
        if hasattr(self._hub, "poll"):
            replace_poller(self._hub.poll.fileno())

    def wait_for(self, fd: int, event: int, seconds: float) -> bool:
        """Wait on the hub."""
        is_reading = event == select.POLLIN
        try:
            hubs.trampoline(
                fd,
                read=is_reading,
                write=not is_reading,
                timeout=seconds,
                timeout_exc=TimeoutError,
            )
        except TimeoutError:
            return False
        return True


def _nothing(*_: object) -> None:
    pass
