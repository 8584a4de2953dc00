"""The access log: imported where one is wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from hookserve import AccessRecord, hookimpl
from hookserve_logging import errorlog
from hookserve_logging.clock import Clock
from hookserve_logging.errorlog import ACCESS_NAME, ErrorLog
from hookserve_logging.files import owner_for
from hookserve_logging.line import Log, Write
from hookserve_logging.loggers import LineHandler, is_untouched, log_through
from hookserve_logging.server_logger import ServerLogger
from hookserve_logging.sink import Sink

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost
    from hookserve.server import Server
    from hookserve.worker.base import Worker
    from hookserve_logging.errorlog import Installation
    from hookserve_logging.syslog import Syslog


class AccessLog(ErrorLog):
    """Errors and requests.

    Lines go to the file directly.  What is put on the logger ``hookserve.access``, or on one of its
    aliases, counts from the moment when a worker has booted: then they go through it.
    """

    def __init__(self, config: Config, installation: Installation, host: PluginHost) -> None:
        super().__init__(installation)
        self._config = config
        self._host = host
        self._sink = None if installation.access_names else _make_sink(config)
        write: Write = self._sink.write if self._sink else _nowhere
        if installation.syslog is not None and not config.disable_redirect_access_to_syslog:
            to_syslog = installation.syslog.make_writer()
            write = _to_both(write, to_syslog) if self._sink else to_syslog
        self._flush = _flusher(self._sink, installation.syslog)
        self._write_later(self._flush)
        # What has waited for a second is written, also while the worker never waits.
        self._clock = Clock(self._flush)
        self._handler = LineHandler(write, self._flush)
        self._is_direct = True
        # The compiled function is the hook: a method around it would be half of what a line costs.
        log = self._direct = self._compile(write)
        if installation.access_names:
            loggers = [logging.getLogger(name) for name in installation.access_names]
            log = _both(self._compile_through(loggers), log if write is not _nowhere else None)
        self.log_access = hookimpl(self._without_skipped(log))

    def _compile(self, write: Write) -> Log:
        form = self._config.access_log_format
        if form == "json":
            from hookserve_logging.jsonlines import compile_json

            return compile_json(self._clock, write, bool(self._config.get("request_id")))
        from hookserve_logging.formats import compile_format

        return compile_format(form, self._clock, write)

    def _compile_through(self, loggers: list[logging.Logger]) -> Log:
        make_line = cast("Callable[[AccessRecord], str]", self._compile(str))
        return log_through(loggers, self._config.access_log_format, make_line)

    def _without_skipped(self, log: Log) -> Log:
        paths = self._config.access_log_skip
        return _except_for(frozenset(paths), log) if paths else log

    @hookimpl
    def install_logs(self) -> None:
        """Make the handlers those of both logs."""
        super().install_logs()
        if self._installation.access_names:
            return
        logger = logging.getLogger(ACCESS_NAME)
        logger.__class__ = ServerLogger
        for handler in logger.handlers[:]:
            if isinstance(handler, LineHandler):
                logger.removeHandler(handler)
        logger.addHandler(self._handler)

    @hookimpl(trylast=True)
    def retired(self) -> None:
        """Close the files."""
        logging.getLogger(ACCESS_NAME).removeHandler(self._handler)
        super().retired()

    @hookimpl(trylast=True)
    def pre_fork(self, server: Server) -> None:
        """Decide, for what the arbiter logs, whether lines go through the logger."""
        self._choose_way()

    @hookimpl(trylast=True)
    def post_worker_init(self, worker: Worker) -> None:
        """The lines are another process's from now on."""
        self._choose_way()
        self._clock.forget()

    def _choose_way(self) -> None:
        """Register the function that logs requests through the logger, or the one that does not."""
        logger = logging.getLogger(ACCESS_NAME)
        is_direct = bool(self._installation.access_names) or is_untouched(logger, self._handler)
        manager = self._host.manager
        name = manager.get_name(self)
        if is_direct is self._is_direct or name is None:
            return
        self._is_direct = is_direct
        log = self._direct if is_direct else self._compile_through([logger])
        manager.unregister(self)
        self.log_access = hookimpl(self._without_skipped(log))
        manager.register(self, name)

    @hookimpl(trylast=True)
    def child_exit(self) -> None:
        """Write, in the arbiter, which requests have died with a worker."""
        self._flush()

    @hookimpl
    def reopen_logs(self) -> None:
        """Open the files again."""
        errorlog.reopen()
        if self._sink is not None:
            self._sink.reopen()


def _make_sink(config: Config) -> Sink | None:
    path = config.accesslog
    return None if path is None else Sink(path, owner_for(config))


def _flusher(sink: Sink | None, syslog: Syslog | None) -> Callable[[], object]:
    if sink is None or syslog is None:
        some = sink or syslog
        return tuple if some is None else some.flush

    def flush() -> None:
        sink.flush()
        syslog.flush()

    return flush


def _nowhere(line: str) -> None:
    """Where there is no file."""


def _to_both(first: Write, second: Write) -> Write:
    def write(line: str) -> None:
        first(line)
        second(line)

    return write


def _both(first: Log, second: Log | None) -> Log:
    if second is None:
        return first

    def log(record: AccessRecord) -> None:
        first(record)
        second(record)

    return log


def _except_for(paths: frozenset[str], log: Log) -> Log:
    def log_others(record: AccessRecord) -> None:
        if record.environ.get("PATH_INFO") not in paths:
            log(record)

    return log_others
