"""Calls the functions of a configuration file with gunicorn's objects."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from hookserve import hookimpl
from hookserve.hookspecs import ArbiterHooks, Hooks
from hookserve.plugins import calling
from hookserve.worker.base import Worker as NativeWorker
from hookserve.worker.context import ServerView
from hookserve_gunicorn.objects.arbiter import Arbiter
from hookserve_gunicorn.objects.configuration import Config
from hookserve_gunicorn.objects.environment import with_raw_env
from hookserve_gunicorn.objects.log import Log
from hookserve_gunicorn.objects.request import Request, Response, keep, take
from hookserve_gunicorn.objects.worker import Worker

if TYPE_CHECKING:
    from hookserve.config.resolved import Config as NativeConfig
    from hookserve.plugins.host import PluginHost
    from hookserve.server import Server, WorkerInfo

Adapted = Callable[..., object]


class Objects:
    """gunicorn's objects of this process.  A worker inherits the arbiter's across the fork.

    A plugin as well: it counts the forks, which gunicorn calls the age of a worker.
    """

    def __init__(self) -> None:
        self.age = 0
        """How many workers have been forked."""
        self.arbiter_pid = os.getpid()
        self.is_aborting = False
        """In a worker: whether it missed a deadline."""
        self.keeps_requests = False
        """Whether a `post_request` wants the object that `pre_request` has had."""
        self._host: PluginHost | None = None
        self._arbiter: Arbiter | None = None
        self._workers: WeakKeyDictionary[object, Worker] = WeakKeyDictionary()
        self._forked: Worker | None = None
        """The newest worker: in its process it is the one that runs there."""

    def belong_to(self, host: PluginHost) -> None:
        """Look plugins up there from now on."""
        self._host = host

    @hookimpl(tryfirst=True)
    def pre_fork(self, server: Server, worker: WorkerInfo) -> None:
        """A worker is about to be forked."""
        self.arbiter_pid = server.pid
        self.arbiter(server).keep_wanted()
        self.age += 1
        self._forked = self.worker(worker)

    @hookimpl(tryfirst=True)
    def worker_abort(self, worker: NativeWorker) -> None:
        """This worker is being aborted."""
        self.is_aborting = True

    @hookimpl(trylast=True)
    def post_worker_init(self, worker: NativeWorker) -> None:
        """The worker serves next."""
        self.worker(worker).booted = True

    def arbiter(self, native: Server | ServerView) -> Arbiter:
        """The object for that server; in a worker it is the arbiter's, with its attributes."""
        found = self._arbiter
        if found is None or (found.native is not native and not isinstance(native, ServerView)):
            found = self._arbiter = Arbiter(native, self)
        elif found.native is not native:
            found.show(native)
        return found

    def worker(self, native: WorkerInfo | NativeWorker) -> Worker:
        """The object for that worker; in its process with what `pre_fork` has set."""
        found = self._workers.get(native)
        if found is None:
            found = self._workers[native] = Worker(native, self, self.age)
            if isinstance(native, NativeWorker) and self._forked is not None:
                vars(found).update(self._forked.attributes())
        return found

    def config(self, native: NativeConfig) -> Config:
        """The object for that configuration."""
        assert self._host is not None
        return Config(native, self._host)

    def worker_config(self) -> Config:
        """The object for the configuration of the worker that runs in this process."""
        if self._forked is None:
            raise AttributeError("this works in a worker's hooks only")
        return self._forked.cfg

    def log(self, native: logging.Logger, config: NativeConfig) -> Log:
        """The object for the error log."""
        host = self._host
        assert host is not None
        return Log(native, self.config(config), lambda: calling.notify(host.hook.reopen_logs))


OBJECTS = Objects()
"""Of this process."""


def adapt(name: str, function: Callable[..., object], parameters: Sequence[str]) -> Adapted:
    """`function` as the implementation of the hook `name`, called with gunicorn's objects."""
    offered = tuple(inspect.signature(getattr(Hooks, name)).parameters)[1:]
    places = [(offered.index(each), _CONVERTERS.get(each, _unchanged)) for each in parameters]
    adapt_request_hook = _REQUEST_HOOKS.get(name)
    if adapt_request_hook is not None:
        return adapt_request_hook(function, [place for place, _ in places])

    def call(*values: Any) -> object:  # Any: the hook's
        return function(*[convert(values[place]) for place, convert in places])

    is_in_arbiter = name in vars(ArbiterHooks) and "server" in offered
    return with_raw_env(call, offered.index("server")) if is_in_arbiter else call


def _adapt_pre_request(function: Callable[..., object], places: list[int]) -> Adapted:
    """The hot path, in the greenlet or thread of each request: only what is asked for is made."""
    if not set(places) & {1, 2}:
        return lambda worker, req, environ: function(*[OBJECTS.worker(worker) for _ in places])

    def call(worker: Any, req: Any, environ: Any) -> object:  # Any: the hook's
        request = Request(req, environ)
        if OBJECTS.keeps_requests:
            keep(request, req)
        given = (OBJECTS.worker(worker), request, environ)
        result = function(*[given[place] for place in places])
        request.apply_headers()
        return result

    return call


def _adapt_post_request(function: Callable[..., object], places: list[int]) -> Adapted:
    """As `_adapt_pre_request`, at the request's end."""
    OBJECTS.keeps_requests = True
    takes_response = 3 in places

    def call(worker: Any, req: Any, environ: Any, resp: Any) -> object:  # Any: the hook's
        request = take(req, environ)
        response = Response(resp, request) if takes_response else None
        given = (OBJECTS.worker(worker), request, environ, response)
        return function(*[given[place] for place in places])

    return call


def _unchanged(value: object) -> object:
    return value


_CONVERTERS: dict[str, Callable[[Any], object]] = {
    "server": OBJECTS.arbiter,
    "worker": OBJECTS.worker,
}

_REQUEST_HOOKS = {"pre_request": _adapt_pre_request, "post_request": _adapt_post_request}
