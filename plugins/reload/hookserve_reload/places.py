"""Which files the configuration of this process came from.

A configuration knows its files by the names that messages show, relative to the directory in which
they were read, and `chdir` may have changed that since.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from types import ModuleType

    from hookserve.config.resolved import Config

_LOG_FILES = ("logconfig", "logconfig_json")


class _Places(NamedTuple):
    directory: str = ""
    python_file: str = ""


_LAST: list[_Places] = [_Places()]
"""Of the configuration that was read last; there is one at a time in a process."""


def set_directory() -> None:
    """The settings of files are being read in this directory."""
    _LAST[0] = _Places(os.getcwd())


def set_file(module: ModuleType) -> None:
    """The Python configuration file is this module."""
    path = getattr(module, "__file__", None)
    _LAST[0] = _LAST[0]._replace(python_file=os.path.abspath(path) if path else "")


def files_of(config: Config) -> list[str]:
    """The absolute paths of the files that a configuration came from, and of those it names for
    the logs."""
    directory, python_file = _LAST[0]
    origins = {config.origin(name) for name in config}
    found = [os.path.join(directory, each) for each in origins if each.endswith(".toml")]
    found += [python_file] if python_file else []
    named = (config.get(name) for name in _LOG_FILES)
    return [*found, *(os.path.abspath(path) for path in named if path)]
