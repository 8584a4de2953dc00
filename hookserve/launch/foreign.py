"""What plugins read that is written for another server: values, variables, arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hookserve.config.arguments import Arguments, read
from hookserve.config.resolved import Config, SettingsSource, derive
from hookserve.config.settings import SettingsTable
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost


def translate(host: PluginHost, source: SettingsSource) -> SettingsSource:
    """The source with our values for what is written for another server; raises ConfigError."""
    if not source.values:
        return source
    found = calling.collect(host.hook.translations, source.values, source.origin, host)
    values = {**source.values, **{each.name: each.value for _, each in found}}
    names = {each.name: each.origin for _, each in found if each.origin}
    return source._replace(values=values, names={**(source.names or {}), **names})


def variable_sources(
    host: PluginHost,
    table: SettingsTable,
    environ: Mapping[str, str],
    explain: Callable[[str], str | None],
) -> tuple[list[SettingsSource], list[SettingsSource]]:
    """What the environment gives under other names than ours: defaults, and arguments.

    Raises UsageError for arguments that cannot be read.
    """
    defaults, arguments = [], []
    for _, (name, setting) in calling.collect(host.hook.variables):
        if name not in environ:
            continue
        if setting is None:
            words = Arguments.of_variable(environ, name)
            arguments.append(read(table, words, name, explain).source)
        elif setting in table:
            defaults.append(SettingsSource(name, {setting: environ[name]}))
    return defaults, arguments


def derived(host: PluginHost, table: SettingsTable, config: Config) -> Config:
    """The configuration with the values that settings get because of others."""
    changes = [change for _, change in calling.collect(host.hook.derived_settings, config)]
    return derive(table, config, changes) if changes else config
