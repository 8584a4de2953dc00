"""``server`` as gunicorn's hooks know it, and ``server.app``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hookserve.worker.context import ServerView
from hookserve_gunicorn.objects.configuration import whole
from hookserve_gunicorn.objects.listener import Listener
from hookserve_gunicorn.objects.view import View

if TYPE_CHECKING:
    from hookserve.server import Server
    from hookserve_gunicorn.objects.configuration import Config
    from hookserve_gunicorn.objects.hooks import Objects
    from hookserve_gunicorn.objects.log import Log
    from hookserve_gunicorn.objects.worker import Worker


class Application:
    """``server.app`` and ``worker.app``."""

    def __init__(self, cfg: Config, find: Callable[[], object]) -> None:
        self.cfg = cfg
        self._find = find

    @property
    def callable(self) -> object:
        """The WSGI application; `None` before it is loaded, and in an arbiter that has not."""
        return self._find()

    def wsgi(self) -> object:
        """The WSGI application."""
        return self._find()


class Arbiter(View):
    """gunicorn's ``Arbiter``; in a worker it shows what the arbiter was when it forked."""

    _native: Server | ServerView
    _objects: Objects
    _wanted: int
    dirty_arbiter = None
    dirty_arbiter_pid = 0

    def __init__(self, native: Server | ServerView, objects: Objects) -> None:
        super().__init__(native)
        object.__setattr__(self, "_objects", objects)
        self.keep_wanted()

    def keep_wanted(self) -> None:
        """Keep what a worker cannot ask for after the fork."""
        wanted = getattr(self._native, "num_workers", self._native.config.workers)
        object.__setattr__(self, "_wanted", wanted)

    def _in_arbiter(self) -> Server:
        if isinstance(self._native, ServerView):
            raise AttributeError("this works in the arbiter's hooks only, not in a worker's")
        return self._native

    @property
    def cfg(self) -> Config:
        """The configuration."""
        return self._objects.config(self._native.config)

    @property
    def app(self) -> Application:
        """The application's configuration; a worker has the application."""
        return Application(self.cfg, lambda: None)

    @property
    def log(self) -> Log:
        """The error log."""
        return self._objects.log(self._native.log, self._native.config)

    @property
    def num_workers(self) -> int:
        """How many workers are wanted; may be set in the arbiter."""
        return self._wanted if isinstance(self._native, ServerView) else self._native.num_workers

    @num_workers.setter
    def num_workers(self, count: int) -> None:
        self._in_arbiter().set_wanted(int(count))

    @property
    def WORKERS(self) -> dict[int, Worker]:  # gunicorn's name
        """The workers by process id; empty in a worker."""
        native = self._native
        if isinstance(native, ServerView):
            return {}
        return {
            each.pid: self._objects.worker(each) for each in native.workers if each.pid is not None
        }

    @property
    def LISTENERS(self) -> Sequence[Listener | str]:  # gunicorn's name
        """The listening sockets; in a worker their addresses."""
        if isinstance(self._native, ServerView):
            return list(self._native.listeners)
        scheme = "https" if self.cfg.is_ssl else "http"
        return [Listener(each, scheme) for each in self._native.listeners]

    @property
    def address(self) -> list[tuple[str, int] | str | int]:
        """Where the server listens, as configured."""
        return self.cfg.address

    @property
    def pidfile(self) -> SimpleNamespace | None:
        """``fname`` and ``pid``; `None` without a pidfile."""
        name = self._native.config.pidfile
        return SimpleNamespace(fname=name, pid=self._native.pid) if name else None

    @property
    def timeout(self) -> int | float:
        """Seconds until a silent worker is replaced."""
        return whole(self._native.config.timeout)

    @property
    def worker_class(self) -> object:
        """The class of the worker model."""
        return self.cfg.worker_class

    @property
    def proc_name(self) -> str:
        """What the processes are called."""
        return self.cfg.proc_name

    @property
    def worker_age(self) -> int:
        """How many workers have been forked."""
        return self._objects.age

    @property
    def master_pid(self) -> int:
        """0, unless the server is the successor of a binary upgrade."""
        upgrade = getattr(self._native, "upgrade", None)
        return (upgrade.predecessor or 0) if upgrade is not None else 0

    def reload(self) -> None:
        """As HUP."""
        self._in_arbiter().reload()

    def stop(self, graceful: bool = True) -> None:
        """As TERM; as QUIT when it is not to be graceful."""
        import os
        import signal

        server = self._in_arbiter()
        if graceful:
            server.stop()
        else:
            os.kill(server.pid, signal.SIGQUIT)

    def halt(self, reason: object = None, exit_status: int = 0) -> None:
        """As TERM; the exit code is hookserve's."""
        if reason is not None:
            self._native.log.error("halt: %s", reason)
        self.stop()

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send a signal to the worker with that process id."""
        for worker in self._workers():
            if worker.pid == pid:
                worker.signal(sig)

    def kill_workers(self, sig: int) -> None:
        """Send a signal to every worker."""
        for worker in self._workers():
            worker.signal(sig)

    def _workers(self) -> Iterable[Any]:  # Any: WorkerInfo
        return self._in_arbiter().workers

    def manage_workers(self) -> None:
        """Nothing: the arbiter forks and retires workers as `num_workers` says."""
        self._in_arbiter()
