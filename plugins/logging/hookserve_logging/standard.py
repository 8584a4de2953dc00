"""The standard logger: a plugin made from the configuration, with the hooks that it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.plugins import calling
from hookserve_logging import custom
from hookserve_logging.errorlog import ACCESS_NAME, NAME, ErrorLog, Installation

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost


def make_logger(config: Config, host: PluginHost) -> ErrorLog:
    """The logger that the configuration asks for; raises ConfigError.

    Its files are open; nothing of the process's logging has changed.
    """
    names, access_names = served_names(config, host)
    installation = Installation(config, names, access_names, aliases_of(host, NAME))
    is_asked_for = (
        access_names
        or config.accesslog is not None
        or (config.syslog and not config.disable_redirect_access_to_syslog)
    )
    if not is_asked_for:
        return ErrorLog(installation)
    from hookserve_logging.accesslog import AccessLog

    return AccessLog(config, installation, host)


def served_names(config: Config, host: PluginHost) -> tuple[list[str], list[str]]:
    """The names of the error log's logger, and of the access log's, whose records the handlers of a
    configuration of `logging` get."""
    if not custom.form_of(config):
        return [], []
    names, access_names = ([name, *aliases_of(host, name)] for name in (NAME, ACCESS_NAME))
    own = [*names, *access_names]
    return custom.served(config, names, own), custom.served(config, access_names, own)


def aliases_of(host: PluginHost, name: str) -> list[str]:
    """Other names of one of the server's loggers."""
    return [alias for _, alias in calling.collect(host.hook.logger_aliases, name)]
