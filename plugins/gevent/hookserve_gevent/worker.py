"""The gevent worker: the primitives that `GreenWorker` asks for, by gevent."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import cast

import gevent
from gevent.hub import get_hub
from gevent.socket import wait_read, wait_write

from hookserve.reactor.green import Greenlet, GreenWorker, Task
from hookserve.worker.context import WorkerContext

_READ = 1


class _Waited(Exception):
    """The client did not move."""


class GeventWorker(GreenWorker):
    """Greenlets on gevent's hub."""

    def __init__(self, context: WorkerContext) -> None:
        # The arbiter may have had a hub, if it preloaded the application.
        gevent.reinit()
        super().__init__(context)
        hub = get_hub()
        self._loop = hub.loop
        self._watchers: list[object] = []
        self.switch_to_hub = hub.switch
        self.current = cast("Callable[[], Greenlet]", gevent.getcurrent)

    def spawn(self, body: Callable[[Task], None], task: Task) -> None:
        """In a greenlet of gevent's own kind, for applications that ask which one runs."""
        gevent.Greenlet(body, task).switch()

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """A watcher of the loop, for the worker's life."""
        watcher = self._loop.io(fd, _READ)
        watcher.start(callback)
        self._watchers.append(watcher)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], object]:
        """A timer, or the loop's next turn."""
        if not seconds:
            return cast("Callable[[], object]", self._loop.run_callback(callback).stop)
        timer = self._loop.timer(seconds)
        timer.start(callback)
        return cast("Callable[[], object]", timer.close)

    def wait_for(self, fd: int, event: int, seconds: float) -> bool:
        """Wait on the hub."""
        wait = wait_read if event == select.POLLIN else wait_write
        try:
            wait(fd, timeout=seconds, timeout_exc=_Waited)
        except _Waited:
            return False
        return True
