"""What a program that embeds the server gives it beside a command line."""

from __future__ import annotations

from collections.abc import Callable
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

    source: SettingsSource
    """Settings by name, and functions under the names of hooks."""
    app: EmbeddedApplication | None = None
    """`None`: the setting `wsgi_app` names the application."""
    reads_files: bool = True
    """Whether configuration files are read as well."""


NOTHING_EMBEDDED = Embedded(SettingsSource("", {}))
"""Of the command."""
