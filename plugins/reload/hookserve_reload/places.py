"""Which files the configuration of this process came from.

A configuration knows its files by the names that messages show, relative to the directory in which
they were read, and `chdir` may have changed that since.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_LOG_FILES = ("logconfig", "logconfig_json")


def files_of(config: Config, directory: str, python_file: str) -> list[str]:
    """The absolute paths of the files that a configuration came from, and of those it names for
    the logs: `directory` is the one in which it was read, `python_file` may be empty."""
    origins = {config.origin(name) for name in config}
    found = [os.path.join(directory, each) for each in origins if each.endswith(".toml")]
    found += [python_file] if python_file else []
    named = (config.get(name) for name in _LOG_FILES)
    return [*found, *(os.path.abspath(path) for path in named if path)]
