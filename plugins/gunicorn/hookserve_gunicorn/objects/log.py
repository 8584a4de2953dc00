"""``server.log`` and ``worker.log`` as gunicorn's hooks know them."""

from __future__ import annotations

import logging
from collections.abc import Callable

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

    @property
    def loglevel(self) -> int:
        """The least level that is logged."""
        return self._native.getEffectiveLevel()

    def setup(self, cfg: object) -> None:
        """Nothing: a reload sets the logs up."""

    def reopen_files(self) -> None:
        """Close the logs' files and open them again."""
        self._reopen()
