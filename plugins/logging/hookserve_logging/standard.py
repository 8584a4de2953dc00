"""The standard logger: a plugin made from the configuration, with the hooks that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve_logging import errorlog

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


def make_logger(config: Config) -> ErrorLog:
    """The logger that the configuration asks for; raises ConfigError.

    Its files are open; nothing of the process's logging has changed.
    """
    installation = errorlog.Installation(config)
    if config.accesslog is None and not (
        config.syslog and not config.disable_redirect_access_to_syslog
    ):
        return ErrorLog(installation)
    from hookserve_logging.accesslog import AccessLog

    return AccessLog(config, installation)


class ErrorLog:
    """Errors alone: nothing is called for a request."""

    def __init__(self, installation: errorlog.Installation) -> None:
        self._installation = installation

    @hookimpl
    def install_logs(self) -> None:
        """Make these handlers those of the error log."""
        self._installation.install()

    @hookimpl
    def retired(self) -> None:
        """Close the files."""
        self._installation.close()

    @hookimpl
    def reopen_logs(self) -> None:
        """Open the files again."""
        errorlog.reopen()
