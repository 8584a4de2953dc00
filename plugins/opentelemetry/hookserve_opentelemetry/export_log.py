"""The log of exports: the server's log has a line when they begin to fail, and another when they
succeed again.

The package logs each attempt, and Python prints what no handler takes without time and level.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum
from typing import TypeVar

_PACKAGE = "opentelemetry"
_EXPORTERS = f"{_PACKAGE}.exporter."
"""What the names of the loggers begin with that log attempts."""
_Data = TypeVar("_Data")
_Result = TypeVar("_Result", bound=Enum)


class ExportLog(logging.Handler):
    """Takes the package's log in one process, and watches its exports of one kind."""

    def __init__(self, log: logging.Logger, kind: str, endpoint: str) -> None:
        """`kind` is what is exported, ``metrics`` or ``spans``; `endpoint` is the collector's
        URL."""
        super().__init__()
        self._log, self._kind, self._endpoint = log, kind, endpoint
        self._reason = ""
        """What the last attempt that failed has logged."""
        self._has_failed = False
        logging.getLogger(_PACKAGE).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep why an attempt failed; log the rest."""
        if record.name.startswith(_EXPORTERS):
            self._reason = record.getMessage()
        else:
            message = record.getMessage()
            self._log.log(record.levelno, "opentelemetry: %s", message, exc_info=record.exc_info)

    def watch(self, export: Callable[[_Data], _Result]) -> Callable[[_Data], _Result]:
        """An `export` that logs when the given one begins to fail and when it succeeds again."""

        def watched(data: _Data) -> _Result:
            result = export(data)
            self._log_change(result.name != "SUCCESS")
            return result

        return watched

    def _log_change(self, has_failed: bool) -> None:
        if has_failed and not self._has_failed:
            self._log.warning(
                "opentelemetry: the %s do not reach %s (%s)",
                self._kind,
                self._endpoint,
                self._reason or "no reason is known",
            )
        elif self._has_failed and not has_failed:
            self._log.info("opentelemetry: the %s reach %s again", self._kind, self._endpoint)
        self._has_failed = has_failed
