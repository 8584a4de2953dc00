"""Every exception that hookserve can explain, each with the exit code it leads to.

The command line prints the message of a `HookserveError` as its one last line
and exits with `exit_code`; anything else that escapes is a defect.  A message
is a fact and a remedy, in lower case, without a full stop.
"""


class HookserveError(Exception):
    """Something that hookserve can explain."""

    exit_code = 1
    """What the command exits with."""


class ConfigError(HookserveError):
    """A setting, or a source of settings, is wrong."""


class UsageError(HookserveError):
    """The command line cannot be understood."""

    exit_code = 2


class PluginError(HookserveError):
    """A plugin cannot be found, loaded or believed."""

    def __init__(self, message: str, plugin: str | None = None) -> None:
        super().__init__(message)
        self.plugin = plugin
        """The entry-point name of the culprit, `None` when no single plugin is at fault."""


class HookError(PluginError):
    """A hook implementation raised where that stops the start."""


class ListenError(HookserveError):
    """An address cannot be listened on."""


class BootError(HookserveError):
    """A worker of the first generation cannot boot."""

    exit_code = 3


class AppImportError(BootError):
    """The application exists and cannot be imported."""


class AppNotFound(BootError):
    """The application is not there: no such module, no such attribute, or not callable."""

    exit_code = 4
