"""The access log: imported where one is wanted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hookserve import AccessRecord, hookimpl
from hookserve_logging import errorlog
from hookserve_logging.clock import Clock
from hookserve_logging.errorlog import ErrorLog
from hookserve_logging.files import owner_for
from hookserve_logging.line import Log, Write
from hookserve_logging.sink import Sink

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.worker.base import Worker
    from hookserve_logging.errorlog import Installation
    from hookserve_logging.syslog import Syslog


class AccessLog(ErrorLog):
    """Errors and requests."""

    def __init__(self, config: Config, installation: Installation) -> None:
        super().__init__(installation)
        self._sink = None if installation.access_names else _make_sink(config)
        write: Write = self._sink.write if self._sink else _nowhere
        if installation.access_names:
            write = _to_loggers(installation.access_names)
        if installation.syslog is not None and not config.disable_redirect_access_to_syslog:
            write = _to_both(write, installation.syslog.make_writer())
        self._flush = _flusher(self._sink, installation.syslog)
        self._write_later(self._flush)
        log = self._compile(config.access_log_format, write)
        if config.access_log_skip:
            log = _except_for(frozenset(config.access_log_skip), log)
        # The compiled function is the hook: a method around it would be half of what a line costs.
        self.log_access = hookimpl(log)

    def _compile(self, form: str, write: Write) -> Log:
        # What has waited for a second is written, also while the worker never waits.
        self._clock = Clock(self._flush)
        if form == "json":
            from hookserve_logging.jsonlines import compile_json

            return compile_json(self._clock, write)
        from hookserve_logging.formats import compile_format

        return compile_format(form, self._clock, write)

    @hookimpl
    def post_worker_init(self, worker: Worker) -> None:
        """The lines are another process's from now on."""
        self._clock.forget()

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


def _to_loggers(names: Sequence[str]) -> Write:
    """To the handlers that a configuration of `logging` gives these loggers."""
    loggers = [logging.getLogger(name) for name in names]

    def write(line: str) -> None:
        for logger in loggers:
            logger.info(line)

    return write


def _nowhere(line: str) -> None:
    """Where there is no file."""


def _to_both(first: Write, second: Write) -> Write:
    def write(line: str) -> None:
        first(line)
        second(line)

    return write


def _except_for(paths: frozenset[str], log: Log) -> Log:
    def log_others(record: AccessRecord) -> None:
        if record.environ.get("PATH_INFO") not in paths:
            log(record)

    return log_others
