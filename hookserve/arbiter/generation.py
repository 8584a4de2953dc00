"""A generation: everything that workers are forked from, as one record.

The arbiter has a current generation and, while a reload is not complete, the previous one.  A
reload makes a new generation aside and commits it by one assignment; it is taken back the same way.
What belongs to the process and not to the record (working directory, ``sys.path``, loggers) follows
the record: `Generation.take_effect`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from hookserve.plugins import calling

if TYPE_CHECKING:
    from hookserve.arbiter.preparation import ServingClasses
    from hookserve.config.resolved import Config
    from hookserve.hookspecs import Hooks
    from hookserve.launch.assembly import Assembly
    from hookserve.listeners.listener import Listener
    from hookserve.types import WSGIApplication


class ProcessPaths(NamedTuple):
    """Where a process looks for files and modules."""

    directory: str
    modules: tuple[str, ...]
    """``sys.path``."""

    @classmethod
    def current(cls) -> ProcessPaths:
        """Those of this process; the directory is empty when it has been removed."""
        try:
            directory = os.getcwd()
        except FileNotFoundError:
            directory = ""
        return cls(directory, tuple(sys.path))

    def take_effect(self) -> None:
        """Make them those of this process; a directory that is gone is left alone."""
        sys.path[:] = self.modules
        try:
            os.chdir(self.directory)
        except OSError:
            pass


class Generation(NamedTuple):
    """What workers are forked from."""

    number: int
    """1 for the first; a worker of an older generation is to be replaced."""
    assembly: Assembly
    classes: ServingClasses
    wanted: int
    """How many workers to keep."""
    listeners: tuple[Listener, ...] = ()
    app: WSGIApplication | None = None
    """The application, when it is preloaded."""
    paths: ProcessPaths = ProcessPaths("", ())

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.assembly.config

    @property
    def hook(self) -> Hooks:
        """The hooks of its plugins."""
        return self.assembly.host.hook

    @property
    def capacity(self) -> int:
        """How many requests one worker may have in flight at once."""
        return self.classes.worker_class.capacity(self.config)

    def take_effect(self) -> None:
        """Make its paths and loggers those of the process; raises HookserveError when a logger
        cannot be installed."""
        self.paths.take_effect()
        calling.fire(self.hook.install_logs)

    def listeners_not_in(self, other: Generation | None) -> list[Listener]:
        """Its listeners that another generation does not have."""
        shared = () if other is None else other.listeners
        return [each for each in self.listeners if each not in shared]
