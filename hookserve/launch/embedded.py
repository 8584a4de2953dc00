"""What a program that embeds the server gives it instead of a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from hookserve.config.resolved import SettingsSource
from hookserve.hookmarkers import hookimpl

if TYPE_CHECKING:
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

    @property
    def source(self) -> SettingsSource:
        """The values, hooks among them."""
        return SettingsSource(self.origin, self.values)

    def module(self) -> ModuleType:
        """The values as a configuration file has them."""
        made = ModuleType("__config__")
        made.__file__ = self.origin
        vars(made).update(self.values)
        return made


NOTHING_EMBEDDED = Embedded({})
"""Of the command."""
