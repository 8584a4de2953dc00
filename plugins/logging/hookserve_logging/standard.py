"""The standard logger: a plugin made from the configuration, with the hooks that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve_logging.errorlog import ErrorLog, Installation

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def make_logger(config: Config) -> ErrorLog:
    """The logger that the configuration asks for; raises ConfigError.

    Its files are open; nothing of the process's logging has changed.
    """
    installation = Installation(config)
    if config.accesslog is None and not (
        config.syslog and not config.disable_redirect_access_to_syslog
    ):
        return ErrorLog(installation)
    from hookserve_logging.accesslog import AccessLog

    return AccessLog(config, installation)
