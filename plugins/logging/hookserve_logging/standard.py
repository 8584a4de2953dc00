"""The standard logger: a plugin made from the configuration, with the hooks that it needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve_logging import errorlog

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def make_logger(config: Config) -> ErrorLog:
    """The logger that the configuration asks for; raises ConfigError."""
    errorlog.set_up(config)
    if config.syslog:
        from hookserve_logging.syslog import make_handler

        logging.getLogger(errorlog.NAME).addHandler(make_handler(config, "error"))
    if config.accesslog is None and not (
        config.syslog and not config.disable_redirect_access_to_syslog
    ):
        return ErrorLog()
    from hookserve_logging.accesslog import AccessLog

    return AccessLog(config)


class ErrorLog:
    """Errors alone: nothing is called for a request."""

    @hookimpl
    def reopen_logs(self) -> None:
        """Open the files again."""
        errorlog.reopen()
