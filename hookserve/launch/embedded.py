"""What a program that embeds the server gives it instead of a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from hookserve.config.resolved import SettingsSource
from hookserve.errors import ConfigError
from hookserve.hookmarkers import hookimpl
from hookserve.hookspecs import Hooks
from hookserve.wording import did_you_mean

if TYPE_CHECKING:
    from hookserve.config.settings import SettingsTable
    from hookserve.plugins.host import PluginHost
    from hookserve.types import WSGIApplication


class EmbeddedApplication:
    """A plugin whose application is an object of the program."""

    def __init__(self, load: Callable[[], WSGIApplication]) -> None:
        self._load = load

    @hookimpl(tryfirst=True)
    def load_app(self) -> WSGIApplication:
        """What the program returns."""
        return self._load()


class Embedded(NamedTuple):
    """The settings, hooks and application of the program."""

    values: Mapping[str, object]
    """Settings by name, and functions under the names of hooks."""
    app: EmbeddedApplication | None = None
    """`None`: the setting `wsgi_app` names the application."""
    arguments: Sequence[str] = ()
    """A command line."""
    reads_files: bool = True
    """Whether configuration files are read as well."""
    origin: str = "hookserve.run"
    """What messages call it."""

    def source_of_plugins(self) -> SettingsSource:
        """The setting `plugins`, which is needed before all others."""
        given = {"plugins": self.values["plugins"]} if "plugins" in self.values else {}
        return SettingsSource(self.origin, given)

    def module(self) -> ModuleType:
        """The values as a configuration file has them."""
        made = ModuleType("__config__")
        made.__file__ = self.origin
        vars(made).update(self.values)
        return made

    def check_names(self, host: PluginHost, table: SettingsTable) -> None:
        """Raise ConfigError for a name that is neither a setting nor a hook, and for a hook that is
        not a function."""
        known: dict[str, Any] = dict.fromkeys(dir(Hooks))  # Any: names alone
        for name, value in self.values.items():
            if name not in table and name in known:
                from hookserve.launch.unknown import not_a_hook

                problem = not_a_hook(name, value)
                if problem:
                    raise ConfigError(f"{self.origin}: {problem}")
            if name not in table and name not in known:
                from hookserve.launch.unknown import explain

                advice = explain(host, "setting", name)
                names = [*table.names(), *known]
                hint = f" ({advice})" if advice else did_you_mean(name, names)
                raise ConfigError(f"{self.origin}: '{name}' is not a setting{hint}")


NOTHING_EMBEDDED = Embedded({})
"""Of the command."""
