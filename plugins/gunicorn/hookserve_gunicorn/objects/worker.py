"""``worker`` as gunicorn's hooks know it: before the fork, in the process, and after its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from hookserve.worker.base import Worker as NativeWorker
from hookserve_gunicorn.objects.arbiter import Application
from hookserve_gunicorn.objects.view import View

if TYPE_CHECKING:
    from hookserve.server import WorkerInfo
    from hookserve_gunicorn.objects.configuration import Config
    from hookserve_gunicorn.objects.hooks import Objects
    from hookserve_gunicorn.objects.log import Log


class Worker(View):
    """gunicorn's ``Worker``: one object from `pre_fork` to `child_exit`, a copy in the process."""

    _native: WorkerInfo | NativeWorker
    _objects: Objects

    def __init__(self, native: WorkerInfo | NativeWorker, objects: Objects, age: int) -> None:
        super().__init__(native)
        object.__setattr__(self, "_objects", objects)
        self.age = age
        """How many workers had been forked, with this one."""
        self.booted = False
        """Whether `post_worker_init` has been called."""
        self.reloader = None

    def __setattr__(self, name: str, value: object) -> None:
        """A new name is kept here; a known one is the worker's, and changes it."""
        if not hasattr(type(self), name) and hasattr(self._native, name):
            setattr(self._native, name, value)
        else:
            super().__setattr__(name, value)

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"

    @property
    def pid(self) -> int | str:
        """The process id; ``"[booting]"`` before the fork."""
        return self._native.pid or "[booting]"

    @property
    def ppid(self) -> int:
        """The arbiter's process id."""
        return self._objects.arbiter_pid

    @property
    def cfg(self) -> Config:
        """The configuration that the worker was forked with."""
        return self._objects.config(self._native.config)

    @property
    def log(self) -> Log:
        """The error log."""
        return self._objects.log(self._native.log, self._native.config)  # type: ignore[union-attr]

    @property
    def timeout(self) -> float:
        """Half of the setting, in seconds: how often a worker gives a sign of life."""
        return float(self._native.config.timeout) / 2.0

    @property
    def nr(self) -> int:
        """How many requests it has begun."""
        native = self._native
        if isinstance(native, NativeWorker):
            return native.context.slot.counters()["requests"] + native.requests_in_flight
        return native.counters()["requests"] + len(native.requests_in_flight())

    @property
    def max_requests(self) -> int:
        """The setting, without jitter; the greatest integer when there is no limit."""
        return int(self._native.config.max_requests) or sys.maxsize

    @property
    def worker_connections(self) -> int:
        """The setting; in gunicorn the workers of threads and greenlets have it."""
        return int(self._native.config.worker_connections)

    @property
    def alive(self) -> bool:
        """Whether it serves, or will; setting it to false makes the worker drain."""
        native = self._native
        if isinstance(native, NativeWorker):
            return native.alive and not self.aborted
        return native.state in ("booting", "ready")

    @alive.setter
    def alive(self, value: bool) -> None:
        native = self._native
        if isinstance(native, NativeWorker) and not value:
            native.stop()
            native.wake()

    @property
    def aborted(self) -> bool:
        """Whether it missed a deadline and is being aborted."""
        return getattr(self._native, "state", "") == "aborting" or self._objects.is_aborting

    @property
    def app(self) -> Application:
        """The application's configuration and, once it is loaded, the application."""
        return Application(self.cfg, lambda: self.wsgi)

    @property
    def wsgi(self) -> object:
        """The WSGI application, with its middleware; `None` before it is loaded."""
        return getattr(self._native, "app", None)

    @property
    def sockets(self) -> list[Any]:  # Any: sockets, or their addresses
        """The listening sockets of the process."""
        return [each.socket for each in getattr(self._native, "listeners", ())]

    @property
    def tmp(self) -> _Heartbeat:
        """The heartbeat."""
        return _Heartbeat(self._native)


class _Heartbeat:
    """``worker.tmp``: in gunicorn a file, here a cell of the scoreboard."""

    def __init__(self, native: WorkerInfo | NativeWorker) -> None:
        self._native = native

    def notify(self) -> None:
        """Give a sign of life; in the worker."""
        if isinstance(self._native, NativeWorker):
            self._native.notify()

    def last_update(self) -> float:
        """When the last sign of life was, in seconds of the monotonic clock."""
        native: Any = self._native  # the slot of either
        slot = native.context.slot if isinstance(native, NativeWorker) else native.slot
        return float(slot.heartbeat)

    def close(self) -> None:
        """Nothing: the arbiter closes the scoreboard."""
