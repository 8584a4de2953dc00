"""The access log: imported where one is wanted."""

from __future__ import annotations

import logging
from time import time
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
        self._line = self._compile()
        self._skipped = frozenset(config.access_log_skip)
        self._sink = Sink(config.accesslog) if config.accesslog is not None else None
        self._syslog: logging.Logger | None = None
        if config.syslog and not config.disable_redirect_access_to_syslog:
            from hookserve_logging.syslog import make_handler

            self._syslog = logging.Logger("hookserve.access")
            self._syslog.addHandler(make_handler(config, "access"))

    def _compile(self) -> Line:
        return compile_json() if self._format == "json" else compile_format(self._format)

    @hookimpl
    def log_access(self, record: AccessRecord) -> None:
        """One request."""
        if self._skipped and record.environ.get("PATH_INFO") in self._skipped:
            return
        now = time()
        line = self._line(record, now)
        if self._sink is not None:
            self._sink.write(line, now)
        if self._syslog is not None:
            self._syslog.info("%s", line)

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
