"""Puts plugins, settings and sources together into what a server is made from.

Done once at the start, and again for each reload: an `Assembly` that cannot be made raises.
"""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from typing import NamedTuple

from hookserve.config import sources
from hookserve.config.arguments import ACTIONS, Arguments, CommandLine, read
from hookserve.config.resolved import Config, SettingsSource, resolve
from hookserve.config.settings import SettingsTable
from hookserve.config.values import boolean, explain_rejected
from hookserve.errors import ConfigError, PluginError, UsageError
from hookserve.hookspecs import Hooks
from hookserve.launch import defaults
from hookserve.launch.application import check_name
from hookserve.launch.embedded import NOTHING_EMBEDDED, Embedded
from hookserve.launch.foreign import derived, translate, variable_sources
from hookserve.launch.on_demand import OffPlugins, add_settings
from hookserve.launch.search_path import put_first, take_out
from hookserve.launch.unhonoured import (
    settings_of_models,
    settings_without_effect,
    unhonoured_settings,
)
from hookserve.launch.unknown import explain, file_settings, refuse_unknown
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost, PluginSelection
from hookserve.plugins.selection import choose_worker
from hookserve.types import WorkerType

AUTOLOAD_VARIABLE = "HOOKSERVE_PLUGIN_AUTOLOAD"


class Assembly(NamedTuple):
    """Everything that was decided before the server starts."""

    host: PluginHost
    table: SettingsTable
    config: Config
    line: CommandLine
    warnings: tuple[str, ...]
    """What was wrong without being an error; ``--strict`` refuses to start with any."""

    def unhonoured_by(self, model: WorkerType) -> list[str]:
        """One line for each setting without effect on the model that runs the application's
        interface, where no model was named, that `warnings` do not have."""
        found = unhonoured_settings(self.host, self.table, self.config, model, is_final=True)
        return [each for each in found if each not in self.warnings]


def load_plugins(
    arguments: Sequence[str] | Arguments,
    environ: Mapping[str, str],
    sources: Sequence[SettingsSource] = (),
    on_demand: bool = False,
) -> PluginHost:
    """The plugin host, loaded as the arguments, the environment and the TOML files say; `on_demand`
    as `PluginHost.load`."""
    words: list[tuple[str, str]] = []
    for source in sources:
        given = source.values.get("plugins", ())
        if isinstance(given, (str, list)):  # anything else is refused with the other values
            given = [given] if isinstance(given, str) else given
            words += [(word, source.origin_of("plugins")) for word in given]
    parts = environ.get("HOOKSERVE_PLUGINS", "").split(",")
    words += [(part, "HOOKSERVE_PLUGINS") for part in parts if part]
    words += [(word, "HOOKSERVE_CMD_ARGS") for word in Arguments.of_variable(environ).plugins()]
    words += [(word, "") for word in _split(arguments).plugins()]
    autoload = _boolean_variable(environ, AUTOLOAD_VARIABLE)
    host = PluginHost()
    host.register(defaults, defaults.NAME)
    host.load(PluginSelection.parse(words, autoload), on_demand)
    host.load_for(environ)
    return host


def _split(arguments: Sequence[str] | Arguments) -> Arguments:
    return arguments if isinstance(arguments, Arguments) else Arguments(arguments)


def _boolean_variable(environ: Mapping[str, str], name: str) -> bool:
    """A variable that is true when it is absent or empty; raises ConfigError."""
    try:
        return boolean(environ.get(name) or "true")
    except ValueError as error:
        raise ConfigError(f"{name}: {explain_rejected(error, environ[name])}") from None


def declare_settings(host: PluginHost) -> SettingsTable:
    """The core's and the plugins' settings; raises ConfigError for two with one name.

    What is `off` in the host is loaded when one of its settings is taken from the table.
    """
    off = OffPlugins(host)
    table = SettingsTable(off)
    add_settings(host, table)
    off.refuse_contested(table)
    return table


def assemble(
    arguments: Sequence[str] | Arguments,
    environ: Mapping[str, str],
    before_file: Callable[[PluginHost, Config], None] | None = None,
    embedded: Embedded = NOTHING_EMBEDDED,
) -> Assembly:
    """Read every source; raises HookserveError with what is wrong.

    `before_file` is called with what is known before a Python configuration file is run.  What is
    `embedded` goes before every other source.  `chdir` and `pythonpath` take effect, and stay in
    effect when something raises afterwards: a start ends then, and a reload restores the process
    (`hookserve.arbiter.reload`).
    """
    line_words, variable_words = _split(arguments), Arguments.of_variable(environ)
    start = current_directory()
    take_out()
    _enter_directory(start, environ, variable_words, line_words)
    toml = sources.toml_sources(os.getcwd()) if embedded.reads_files else []
    host = load_plugins(line_words, environ, [*toml, embedded.source], _is_start(line_words))
    table = declare_settings(host)
    for source in toml:
        refuse_unknown(host, table, source)
    line, low, high = _read_sources(host, table, environ, (variable_words, line_words), toml)
    high.append(translate(host, _settings_of(embedded, host, table)))
    known = derived(host, table, resolve(table, [*low, *high]))
    if before_file is not None:
        before_file(host, known)
    warnings = [*filter(None, (sources.foreign_file(source.origin) for source in toml))]
    reads = embedded.reads_files
    in_file = _read_python_file(host, table, known, start, warnings) if reads else []
    if line.application is not None:
        high.append(SettingsSource("command line", {"wsgi_app": line.application}))
    config = derived(host, table, resolve(table, [*low, *in_file, *high]))
    change_directory(start, config.chdir)
    _extend_path(config.pythonpath)
    warnings.extend(_find_warnings(host, table, config, environ))
    refuse_warnings(config, warnings)
    return Assembly(host, table, config, line, tuple(warnings))


def _is_start(words: Arguments) -> bool:
    """Whether a server is to be started, for which plugins are loaded that are used: a command and
    what is to be shown or checked are about all of them."""
    return not words.is_of_command and not words.flags & {flag for flag, _ in ACTIONS}


def _enter_directory(start: str, environ: Mapping[str, str], *words: Arguments) -> None:
    """Change to the directory that the command line or the environment names."""
    change_directory(start, _named_directory(environ, *words))


def _named_directory(environ: Mapping[str, str], *words: Arguments) -> str | None:
    given = [value for each in words for value in each.values_of("--chdir")]
    return given[-1] if given else environ.get("HOOKSERVE_CHDIR")


def _read_sources(
    host: PluginHost,
    table: SettingsTable,
    environ: Mapping[str, str],
    words: tuple[Arguments, Arguments],
    toml: Sequence[SettingsSource],
) -> tuple[CommandLine, list[SettingsSource], list[SettingsSource]]:
    """The command line, the sources below the Python file, and those above; `words` are those of
    our variable and of the command line."""
    explain_flag = partial(explain, host, "flag")
    from_variable = read(table, words[0], "HOOKSERVE_CMD_ARGS", explain_flag)
    line = read(table, words[1], "command line", explain_flag)
    defaults, arguments = variable_sources(host, table, environ, explain_flag)
    low = [sources.platform_source(environ), *defaults, *toml]
    ours = sources.environment_source(table, environ, partial(explain, host, "setting"))
    high = [*arguments, ours, from_variable.source, line.source]
    return line, [translate(host, each) for each in low], [translate(host, each) for each in high]


def _read_python_file(
    host: PluginHost, table: SettingsTable, known: Config, start: str, warnings: list[str]
) -> list[SettingsSource]:
    """Run the Python configuration file, if there is one: its settings; adds its warnings.

    The plugins that other plugins find in it are registered.
    """
    others = [name for _, name in calling.collect(host.hook.config_files)]
    path = sources.find_python_file(known.config, start, others)
    if path is None:
        return []
    if not known.config:
        warnings.extend(filter(None, [sources.foreign_file(path)]))
    refuse_warnings(known, warnings)  # before the file can do anything
    with ExitStack() as contexts:
        for _, context in calling.collect(host.hook.file_contexts):
            contexts.enter_context(context)
        import_module("hookserve.reactor.poller")  # before the file may patch `select`
        module = sources.execute_python_file(path)
    source, slips = file_settings(host, table, module, path)
    warnings.extend(slips)
    _register_file_plugins(host, module, path)
    return [translate(host, source)]


def _register_file_plugins(host: PluginHost, module: types.ModuleType, path: str) -> None:
    for number, (_, plugin) in enumerate(calling.collect(host.hook.file_plugins, module, host)):
        host.register(plugin, path if number == 0 else f"{path} ({number + 1})")


def _settings_of(embedded: Embedded, host: PluginHost, table: SettingsTable) -> SettingsSource:
    """What the program that embeds the server has set; registers its application and its hooks."""
    source = embedded.source
    refuse_unknown(host, table, source, dir(Hooks))
    if embedded.app is not None:
        host.register(embedded.app, "hookserve.run (application)")
    if source.values:
        module = types.ModuleType("__config__")
        vars(module).update(source.values, __file__=source.origin)
        _register_file_plugins(host, module, source.origin)
    return source._replace(values={k: v for k, v in source.values.items() if k in table})


def _find_warnings(
    host: PluginHost, table: SettingsTable, config: Config, environ: Mapping[str, str]
) -> Iterator[str]:
    """What is wrong with the plugins and the final configuration without being an error."""
    yield from host.warnings
    yield from _unhonoured(host, table, config)
    yield from settings_without_effect(table, config, settings_of_models(host))
    for _, warning in calling.collect(host.hook.config_warnings, config, environ, host):
        yield warning


def refuse_warnings(config: Config, warnings: Sequence[str]) -> None:
    """Raise ConfigError for the first warning where the setting `strict` is on."""
    if config.strict and warnings:
        raise ConfigError(f"{warnings[0]} (refused by --strict)")


def enter_start(
    arguments: Sequence[str] | Arguments, environ: Mapping[str, str], before: str = ""
) -> str:
    """Change to the directory that paths are relative to, and return it: that of an earlier start,
    `before`, or the working directory.

    Where it was deleted, the one that ``--chdir`` names takes its place, if that is absolute.
    Raises ConfigError.
    """
    try:
        if before:
            change_directory("/", before)
        return before or current_directory()
    except ConfigError:
        named = _named_directory(environ, Arguments.of_variable(environ), _split(arguments))
        if named is None or not os.path.isabs(named):
            raise
        change_directory("/", named)
        return named


def current_directory() -> str:
    """The working directory, under the name that the shell gives it; raises ConfigError when it
    was deleted.

    ``PWD`` names it through symbolic links (sh(1), ``pwd -L``): a reload follows a link that was
    changed to another release.
    """
    try:
        real = os.getcwd()
    except FileNotFoundError:
        raise ConfigError(
            "the working directory was deleted (change to one that exists, or name it with --chdir)"
        ) from None
    named = os.environ.get("PWD", "")
    try:
        is_same = os.path.isabs(named) and os.path.samefile(named, real)
    except OSError:
        is_same = False
    return named if is_same else real


def change_directory(start: str, path: str | None) -> None:
    """Change to a directory, relative to `start`, which then leads ``sys.path``.

    Raises ConfigError.
    """
    if path:
        try:
            os.chdir(os.path.join(start, path))
        except OSError as error:
            raise ConfigError(f"cannot change to the directory {path}: {error.strerror}") from None
    put_first(os.getcwd())


def _extend_path(directories: Sequence[str]) -> None:
    for directory in reversed(directories):
        put_first(os.path.realpath(directory))


def _unhonoured(host: PluginHost, table: SettingsTable, config: Config) -> list[str]:
    try:
        chosen = choose_worker(host, config.worker_class)
    except PluginError:  # the start says so when it loads the worker
        return []
    return unhonoured_settings(host, table, config, chosen)


def log_warnings(assembly: Assembly) -> None:
    """Log what was wrong without being an error."""
    import logging

    for warning in assembly.warnings:
        logging.getLogger("hookserve").warning("%s", warning)


def require_application(host: PluginHost, config: Config) -> None:
    """Raise UsageError when no application is named, and a HookserveError for a name or an address
    that is malformed; where a plugin reads these its own way they are left to it."""
    if not config.wsgi_app:
        raise UsageError(
            "no application: name one as MODULE:ATTRIBUTE, for example"
            " hookserve shop.wsgi:application"
        )
    if is_left_to_core(host.hook.load_app):
        check_name(config.wsgi_app)
    if is_left_to_core(host.hook.open_listeners):
        from hookserve.listeners.address import parse_address

        try:
            for text in config.bind:
                parse_address(text)
        except ConfigError as error:
            reason = str(error).removeprefix("bind: ")
            raise ConfigError(f"bind ({config.origin('bind')}): {reason}") from None


def is_left_to_core(hook: Callable[..., object]) -> bool:
    """Whether no plugin implements the hook."""
    return [each.plugin_name for each in calling.implementations(hook)] == [defaults.NAME]
