"""What the setting `reload` turns on: reports in the workers, and a process that watches.

The watching process is an auxiliary one, so that the arbiter reads no files and has no threads.  It
sends HUP, and the reload is the arbiter's own, with everything that it promises.  A reload that is
complete ends the watching process and starts the next one.  Until then it goes on watching, during
a slow reload and after one that has failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hookserve import AuxiliaryProcess, hookimpl
from hookserve_reload.loaded import LoadedFiles, Reporter
from hookserve_reload.watched import Watched

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.server import Server
    from hookserve.worker.base import Worker

NOT_PRELOADED = "reload"
"""The origin of `preload_app` where it was on: a worker that loads the application alone serves a
saved file sooner than the arbiter after a re-exec."""


class Reloader:
    """Watches for one generation of the server."""

    def __init__(self, config: Config, files: Sequence[str], extra: Sequence[str]) -> None:
        """`files` are those of the configuration, `extra` what the user named besides."""
        self._config = config
        self._imports_afresh = frozenset(files)
        self._watched = Watched(files, extra)
        """As they are now, when the configuration has just been read."""
        self._loaded = LoadedFiles()
        self._reporter = Reporter(self._loaded)

    # In a worker.

    @hookimpl
    def post_fork(self) -> None:
        """The application is imported next."""
        self._reporter = Reporter(self._loaded)

    @hookimpl(trylast=True)
    def post_worker_init(self) -> None:
        """The application has been imported."""
        self._reporter.report()

    @hookimpl
    def worker_idle(self, worker: Worker) -> None:
        """A request may have imported something."""
        self._reporter.report()

    # In the arbiter.

    @hookimpl
    def on_starting(self, server: Server) -> None:
        """Say what the setting changes."""
        if self._config.origin("preload_app") == NOT_PRELOADED:
            server.log.info("preload_app is off with reload: each worker loads the application")

    @hookimpl
    def auxiliary_processes(self, server: Server) -> list[AuxiliaryProcess]:
        """The watching process."""
        arbiter = server.pid
        return [AuxiliaryProcess("reload", lambda: self._watch(arbiter))]

    @hookimpl
    def retired(self) -> None:
        """Its workers are of the past."""
        self._loaded.close()

    # In the watching process.

    def _watch(self, arbiter: int) -> None:
        from hookserve_reload.loaded import module_files
        from hookserve_reload.waiting import waiting_by
        from hookserve_reload.watching import Requests, watch

        waiting = waiting_by(self._config.reload_engine)
        imported = module_files() - self._imports_afresh
        watch(self._watched, self._loaded, waiting, Requests(arbiter, imported))
