"""``server.log`` and ``worker.log`` as gunicorn's hooks know them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from hookserve_gunicorn.objects.configuration import Config
from hookserve_gunicorn.objects.view import View


class Log(View):
    """gunicorn's ``Logger``: the methods of the error log, and both logs by name."""

    _native: logging.Logger

    def __init__(self, native: logging.Logger, cfg: Config, reopen: Callable[[], None]) -> None:
        super().__init__(native)
        self.cfg = cfg
        self._reopen = reopen

    @property
    def error_log(self) -> logging.Logger:
        """The error log."""
        return self._native

    @property
    def access_log(self) -> logging.Logger:
        """The logger that a logging configuration names for the access log."""
        return logging.getLogger("gunicorn.access")

    def info(self, msg: object, *args: object, **options: Any) -> None:  # Any: as of logging
        """Log a message; see `log`."""
        self.log(logging.INFO, msg, *args, **options)

    def debug(self, msg: object, *args: object, **options: Any) -> None:  # Any: as of logging
        """Log a detail; see `log`."""
        self.log(logging.DEBUG, msg, *args, **options)

    def log(
        self, lvl: int | str, msg: object, *args: object, **options: Any
    ) -> None:  # Any: as of logging
        """Log at that level.  ``metric``, ``value`` and ``mtype`` of `extra` go to statsd, whatever
        the level, and without a message nothing else is done."""
        extra = options.get("extra") or {}
        name, value, kind = (extra.get(key) for key in ("metric", "value", "mtype"))
        if name and kind and value is not None:
            for handler in self._native.handlers:
                send = getattr(handler, "send_metric", None)
                if send is not None:
                    send(name, value, kind)
        if msg:
            level = getattr(logging, lvl.upper(), logging.INFO) if isinstance(lvl, str) else lvl
            self._native.log(level, msg, *args, **options)

    def now(self) -> str:
        """The time of day in the form of the access log."""
        return time.strftime("[%d/%b/%Y:%H:%M:%S %z]")

    def close_on_exec(self) -> None:
        """Nothing: no descriptor is inherited by an executed program."""

    @property
    def error_handlers(self) -> list[logging.Handler]:
        """Empty, as in gunicorn: the handlers are those of `error_log`."""
        return []

    @property
    def access_handlers(self) -> list[logging.Handler]:
        """Empty, as in gunicorn: the handlers are those of `access_log`."""
        return []

    @property
    def loglevel(self) -> int:
        """The least level that is logged."""
        return self._native.getEffectiveLevel()

    def setup(self, cfg: object) -> None:
        """Nothing: a reload sets the logs up."""

    def reopen_files(self) -> None:
        """Close the logs' files and open them again."""
        self._reopen()
