"""Reloads the server when a file that it has loaded is saved: for development.

places
    which files the configuration came from
loaded
    which files the workers have loaded
watched
    the files that are watched, and which of them have changed
waiting
    by watchfiles or by polling
watching
    the watching process
reloader
    puts them together for one configuration
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hookserve import ConfigError, Setting, SettingValue, hookimpl
from hookserve.config.values import boolean, one_of, paths

if TYPE_CHECKING:
    from types import ModuleType

    from hookserve.config.resolved import Config

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "reload",
        False,
        boolean,
        "reload when a file that was imported, or a configuration file, is saved: for development",
        switch=True,
    ),
    Setting(
        "reload_engine",
        "auto",
        one_of("auto", "poll", "watchfiles", inotify="auto"),
        "how a saved file is noticed: by watchfiles, by polling every second, or auto, which"
        " takes watchfiles if that is installed",
        metavar="ENGINE",
        needs=("reload",),
    ),
    Setting(
        "reload_extra_files",
        (),
        paths,
        "files, folders and patterns (**/*.html) to watch besides, such as templates",
        flags=("--reload-extra-file",),
        repeatable=True,
        metavar="PATH",
        needs=("reload",),
    ),
)


read_from = {"directory": "", "python_file": ""}
"""Where the configuration that was read last has its files; there is one at a time in a process."""


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Whether, how, and what besides."""
    return SETTINGS


@hookimpl
def derived_settings(config: Config) -> list[SettingValue]:
    """Each worker loads the application, though it was to be preloaded."""
    if not (config.reload and config.preload_app):
        return []
    from hookserve_reload.reloader import NOT_PRELOADED

    return [SettingValue("preload_app", False, NOT_PRELOADED)]


@hookimpl
def config_files() -> list[str]:
    """No names: this is when the settings of the files are read, relative to this directory."""
    read_from.update(directory=os.getcwd(), python_file="")
    return []


@hookimpl
def file_plugins(module: ModuleType) -> list[object]:
    """No plugins: this is the file that was read."""
    path = getattr(module, "__file__", None)
    read_from["python_file"] = os.path.abspath(path) if path else ""
    return []


@hookimpl
def config_warnings(config: Config) -> list[str]:
    """A pattern that matches nothing, which may be meant so."""
    if not config.reload:
        return []
    import glob

    from hookserve_reload.watched import is_pattern

    return [
        f"reload_extra_files ({config.origin('reload_extra_files')}): {entry!r} matches no file yet"
        for entry in config.reload_extra_files
        if is_pattern(entry) and not glob.glob(entry, recursive=True)
    ]


@hookimpl
def configured_plugins(config: Config) -> list[object]:
    """The reloader, when there is to be one; raises ConfigError for what cannot be watched."""
    if config.reload_extra_files:
        _refuse_missing(config)
    if not config.reload:
        return []
    from hookserve_reload.places import files_of
    from hookserve_reload.reloader import Reloader
    from hookserve_reload.waiting import has_watchfiles

    if config.reload_engine == "watchfiles" and not has_watchfiles():
        raise ConfigError(
            f"reload_engine ({config.origin('reload_engine')}): watchfiles is not installed"
            " (pip install watchfiles, or leave it at auto)"
        )
    extra = [os.path.abspath(entry) for entry in config.reload_extra_files]
    return [Reloader(config, files_of(config, **read_from), extra)]


def _refuse_missing(config: Config) -> None:
    """Raise ConfigError for a file that is not there; gunicorn does without `reload` too."""
    from hookserve_reload.watched import is_pattern

    for entry in config.reload_extra_files:
        if not is_pattern(entry) and not os.path.exists(entry):
            raise ConfigError(
                f"reload_extra_files ({config.origin('reload_extra_files')}): {entry!r} does not"
                " exist (name a file, a folder or a pattern such as 'templates/**/*.html')"
            )
