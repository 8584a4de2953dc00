"""The access log: imported where one is wanted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hookserve import AccessRecord, hookimpl
from hookserve_logging import errorlog
from hookserve_logging.formats import Line, compile_format, compile_json
from hookserve_logging.sink import Sink
from hookserve_logging.standard import ErrorLog

if TYPE_CHECKING:
    from hookserve.config import Config
    from hookserve.worker import Worker


class AccessLog(ErrorLog):
    """Errors and requests."""

    def __init__(self, config: Config) -> None:
        self._format: str = config.access_log_format
        self._skipped = frozenset(config.access_log_skip)
        self._sink = Sink(config.accesslog) if config.accesslog is not None else None
        self._write = self._sink.write if self._sink is not None else _nowhere
        self._line = self._compile()
        if config.syslog and not config.disable_redirect_access_to_syslog:
            self._send_to_syslog_too(config)

    def _compile(self) -> Line:
        """The format's function, which has lines written that have waited for a second."""
        write = self._sink.flush if self._sink is not None else tuple
        is_json = self._format == "json"
        return compile_json(write) if is_json else compile_format(self._format, write)

    def _send_to_syslog_too(self, config: Config) -> None:
        from hookserve_logging.syslog import make_handler

        syslog = logging.Logger("hookserve.access")
        syslog.addHandler(make_handler(config, "access"))
        write = self._write

        def write_both(line: str) -> None:
            write(line)
            syslog.info("%s", line)

        self._write = write_both

    @hookimpl
    def log_access(self, record: AccessRecord) -> None:
        """One request."""
        if self._skipped and record.environ.get("PATH_INFO") in self._skipped:
            return
        self._write(self._line(record))

    @hookimpl
    def post_worker_init(self, worker: Worker) -> None:
        """From now on `worker_idle` is called, so lines can wait for each other; and this is
        another process than the one that has made the logger."""
        self._line = self._compile()
        if self._sink is not None:
            self._sink.buffer()

    @hookimpl
    def worker_idle(self, worker: Worker) -> None:
        """Write what waits."""
        if self._sink is not None:
            self._sink.flush()

    @hookimpl(trylast=True)
    def worker_exit(self, worker: Worker) -> None:
        """Write what waits."""
        if self._sink is not None:
            self._sink.flush()

    @hookimpl
    def reopen_logs(self) -> None:
        """Open the files again."""
        errorlog.reopen()
        if self._sink is not None:
            self._sink.reopen()


def _nowhere(line: str) -> None:
    """Where there is no file."""
