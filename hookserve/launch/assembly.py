"""Puts plugins, settings and sources together into what a server is made from.

Done once by the launcher, and again, aside, for each reload: an `Assembly` that cannot be made
raises and changes nothing.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from hookserve.config import sources
from hookserve.config.arguments import CommandLine, early_value, plugin_words, read, split_variable
from hookserve.config.resolved import Config, SettingsSource, resolve
from hookserve.config.settings import SettingsTable
from hookserve.errors import ConfigError, PluginError, UsageError
from hookserve.hookspecs import Hooks
from hookserve.launch import defaults
from hookserve.launch.unhonoured import unhonoured_settings
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost, PluginSelection
from hookserve.plugins.selection import choose_worker
from hookserve.wording import did_you_mean, nearest

AUTOLOAD_VARIABLE = "HOOKSERVE_PLUGIN_AUTOLOAD"


class Assembly(NamedTuple):
    """Everything that was decided before the server starts."""

    host: PluginHost
    table: SettingsTable
    config: Config
    line: CommandLine
    warnings: tuple[str, ...]
    """What was wrong without being an error; ``--strict`` refuses to start with any."""


def load_plugins(
    arguments: Sequence[str], environ: Mapping[str, str], sources: Sequence[SettingsSource] = ()
) -> PluginHost:
    """The plugin host, loaded as the arguments, the environment and the TOML files say."""
    words: list[str] = []
    for source in sources:
        given = source.values.get("plugins", ())
        if isinstance(given, (str, list)):  # anything else is refused with the other values
            words.extend([given] if isinstance(given, str) else given)
    words.extend(part for part in environ.get("HOOKSERVE_PLUGINS", "").split(",") if part)
    words.extend(plugin_words([*split_variable(environ), *arguments]))
    autoload = environ.get(AUTOLOAD_VARIABLE, "1").lower() not in ("0", "false", "no", "off")
    host = PluginHost()
    host.register(defaults, defaults.NAME)
    host.load(PluginSelection.parse(words, autoload))
    return host


def declare_settings(host: PluginHost) -> SettingsTable:
    """The core's and the plugins' settings; raises ConfigError for two with one name."""
    table = SettingsTable()
    for plugin, setting in calling.collect(host.hook.settings):
        table.add(setting, plugin, host.record_of(plugin).title)
    return table


def assemble(
    arguments: Sequence[str],
    environ: Mapping[str, str],
    before_file: Callable[[PluginHost, Config], None] | None = None,
) -> Assembly:
    """Read every source; raises HookserveError with what is wrong and changes nothing then.

    `before_file` is called with what is known before a Python configuration file is run.

    The working directory and ``sys.path`` follow `chdir` and `pythonpath`.
    """
    variable_arguments = split_variable(environ)
    start = os.getcwd()
    early_directory = early_value([*variable_arguments, *arguments], ("--chdir",))
    change_directory(start, early_directory or environ.get("HOOKSERVE_CHDIR"))
    directory = os.getcwd()
    toml = sources.toml_sources(directory)
    host = load_plugins(arguments, environ, toml)
    table = declare_settings(host)
    for source in toml:
        _refuse_unknown(table, source)
    from_variable = read(table, variable_arguments, "HOOKSERVE_CMD_ARGS")
    line = read(table, arguments, "command line")
    high = [sources.environment_source(table, environ), from_variable.source, line.source]
    low = [sources.platform_source(environ), *toml]
    known = resolve(table, [*low, *high])
    if before_file is not None:
        before_file(host, known)
    path = sources.find_python_file(known.config, directory)
    warnings: list[str] = []
    if path is not None:
        module = sources.execute_python_file(path)
        low.append(_file_source(table, module, path, warnings))
        for number, (_, plugin) in enumerate(calling.collect(host.hook.file_plugins, module)):
            host.register(plugin, path if number == 0 else f"{path} ({number + 1})")
    if line.application is not None:
        high.append(SettingsSource("command line", {"wsgi_app": line.application}))
    config = resolve(table, [*low, *high])
    change_directory(start, config.chdir)
    _extend_path(config.pythonpath)
    warnings.extend(_unhonoured(host, table, config))
    assembly = Assembly(host, table, config, line, tuple(warnings))
    _heed_warnings(assembly)
    return assembly


def change_directory(start: str, path: str | None) -> None:
    """Change to a directory, relative to `start`, which then leads ``sys.path``.

    Raises ConfigError.
    """
    if path:
        try:
            os.chdir(os.path.join(start, path))
        except OSError as error:
            raise ConfigError(f"cannot change to the directory {path}: {error.strerror}") from None
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)


def _extend_path(directories: Sequence[str]) -> None:
    for directory in reversed(directories):
        full = os.path.realpath(directory)
        if full not in sys.path:
            sys.path.insert(0, full)


def _refuse_unknown(table: SettingsTable, source: SettingsSource) -> None:
    from hookserve.compat import find_absent

    for name in source.values:
        if name not in table:
            absent = find_absent(name)
            advice = (
                f" (gunicorn's, {absent.plan}: {absent.advice})"
                if absent
                else did_you_mean(name, table.names())
            )
            raise ConfigError(f"{source.origin}: no setting is called '{name}'{advice}")


def _file_source(
    table: SettingsTable, module: types.ModuleType, source: str, warnings: list[str]
) -> SettingsSource:
    """The settings among a Python file's names; what only looks like one becomes a warning."""
    from hookserve.compat import find_absent

    values: dict[str, object] = {}
    hook_names = {name for name in vars(Hooks) if not name.startswith("_")}
    for name, value in vars(module).items():
        if name.startswith("_") or isinstance(value, types.ModuleType):
            continue
        if name in table and not callable(value):
            values[name] = value
        elif (absent := find_absent(name)) is not None:
            warnings.append(
                f"{source}: hookserve has no setting '{name}' ({absent.plan}): {absent.advice}"
            )
        elif name not in hook_names and name not in table:
            meant = nearest(name, table.names()) if not callable(value) else None
            if meant is not None and _nearly_spells(name, meant):
                warnings.append(f"{source}: '{name}' is no setting (did you mean '{meant}'?)")
    return SettingsSource(source, values)


def _nearly_spells(name: str, setting: str) -> bool:
    """Whether a file's own name is so near to a setting's that it is probably a slip."""
    import difflib

    return difflib.SequenceMatcher(None, name, setting).ratio() >= 0.85


def _unhonoured(host: PluginHost, table: SettingsTable, config: Config) -> list[str]:
    try:
        chosen = choose_worker(host, config.worker_class)
    except PluginError:  # said by who needs the worker
        return []
    return unhonoured_settings(host, table, config, chosen)


def _heed_warnings(assembly: Assembly) -> None:
    if assembly.config.strict and assembly.warnings:
        raise ConfigError(f"{assembly.warnings[0]} (refused by --strict)")


def log_warnings(assembly: Assembly) -> None:
    """Say what was wrong without being an error."""
    import logging

    for warning in assembly.warnings:
        logging.getLogger("hookserve").warning("%s", warning)


def require_application(config: Config) -> None:
    """Raise UsageError when no application is named."""
    if not config.wsgi_app:
        raise UsageError(
            "no application: name one as MODULE:ATTRIBUTE, for example"
            " hookserve shop.wsgi:application"
        )
