"""The hooks that run in worker processes, or before them where the application is loaded, and those
of loggers, which run in every process.

They are part of `hookserve.hookspecs.Hooks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from hookserve.hookmarkers import hookspec

if TYPE_CHECKING:
    from hookserve import types
    from hookserve.config.resolved import Config
    from hookserve.worker.base import Worker
    from hookserve.worker.context import ServerView

    Environ = dict[str, Any]  # Any: PEP 3333


class ApplicationHooks(Protocol):
    """The application, where it is loaded before there are workers."""

    @hookspec
    def app_loaded(self, config: Config) -> None:
        """The application was loaded before anything is forked.  An implementation may look for
        what the application must have besides, and raise an error where that is missing.

        Runs in: arbiter with ``preload_app``; command line with ``--check-config``.  When it
        raises: no start, or the check fails.
        """


class WorkerHooks(Protocol):
    """The life of a worker, in this order."""

    @hookspec
    def post_fork(self, server: ServerView, worker: Worker) -> None:
        """Just forked, still with the arbiter's privileges, the application not yet loaded.

        Runs in: worker.  When it raises: that worker fails to boot.
        """

    @hookspec
    def post_worker_init(self, worker: Worker) -> None:
        """The application is loaded; the worker is about to accept.

        Runs in: worker.  When it raises: that worker fails to boot.
        """

    @hookspec
    def worker_idle(self, worker: Worker) -> None:
        """Requests have ended, and the worker will wait, or was busy for eight turns.  Frozen.

        Runs in: worker, its greenlet.  Must not block.  When it raises: logged, the others run.
        """

    @hookspec
    def worker_draining(self, worker: Worker) -> None:
        """The worker stops accepting and finishes what it has.

        Runs in: worker.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def worker_int(self, worker: Worker) -> None:
        """The worker was told to stop at once (INT or QUIT).

        Runs in: worker.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def worker_abort(self, worker: Worker) -> None:
        """The worker missed a deadline and is being aborted.

        Runs in: worker.  When it raises: logged, the other implementations still run.
        """

    @hookspec
    def worker_exit(self, server: ServerView, worker: Worker) -> None:
        """The worker is about to exit.

        Runs in: worker, and only there.  When it raises: logged, the others still run.
        """


class RequestHooks(Protocol):
    """Frozen when the worker is ready: a plugin registered later is not seen."""

    @hookspec
    def pre_request(self, worker: Worker, req: types.Request, environ: Environ) -> None:
        """A request is complete enough to run; the application is called next.

        Runs in: worker, in the thread or greenlet of the request.  When it raises: logged, the
        request is not harmed.
        """

    @hookspec
    def post_request(
        self, worker: Worker, req: types.Request, environ: Environ, resp: types.Response
    ) -> None:
        """The response has been handed over, or the request was aborted.

        Runs in: worker, in the thread or greenlet of the request.  When it raises: logged, the
        request is not harmed.
        """

    @hookspec
    def log_access(self, record: types.AccessRecord) -> None:
        """One request is over: finished, refused, aborted, or killed with its worker.

        Runs in: worker; arbiter for requests of a killed worker.  When it raises: logged.
        """


class LogHooks(Protocol):
    """For loggers."""

    @hookspec
    def install_logs(self) -> None:
        """Make what a logger was made with the logging of the process; it changes nothing before.

        Runs in: arbiter, at each (re)load.  When it raises: the start fails or the reload ends.
        """

    @hookspec
    def reopen_logs(self) -> None:
        """USR1: close and open again what is written to.

        Runs in: arbiter and worker.  When it raises: logged, the other implementations still run.
        """


class ServingHooks(ApplicationHooks, WorkerHooks, RequestHooks, LogHooks, Protocol):
    """All of these."""
