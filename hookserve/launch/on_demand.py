"""Declares the settings of plugins: of those that are loaded, of the others when one is used."""

from __future__ import annotations

from collections.abc import Collection

from hookserve.config import settings
from hookserve.config.settings import Declared, SettingsTable
from hookserve.errors import HookserveError, PluginError
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost, PluginRecord


def add_settings(host: PluginHost, table: SettingsTable, only: str = "") -> None:
    """Add the settings of all plugins that are loaded, or of one; raises ConfigError.

    The host's warnings get what is wrong with those that are loaded on demand.
    """
    on_demand = {
        each.name: each.candidate
        for each in host.records
        if each.state == "active" and each.candidate is not None and each.candidate.is_on_demand
    }
    declared = calling.collect(host.hook.settings)
    for plugin, setting in sorted(declared, key=lambda each: each[1].foreign is not None):
        if only and plugin != only:
            continue
        if plugin in on_demand and setting.name not in on_demand[plugin].settings:
            host.warnings.append(
                f"{host.record_of(plugin).title} declares the setting '{setting.name}', which"
                " [hookserve.settings] of its distribution does not name: no variable or file finds"
                " it while no other is used (name it there, and install the distribution again)"
            )
        if setting.foreign is None or setting.name not in table:
            table.add(setting, plugin, lambda owner: host.record_of(owner).title)
    for plugin, candidate in on_demand.items():
        own = {setting.name for owner, setting in declared if owner == plugin}
        for name in [] if only not in ("", plugin) else candidate.settings:
            if name not in own:
                host.warnings.append(_undeclared(host.record_of(plugin), name))


def _undeclared(record: PluginRecord, name: str) -> str:
    return (
        f"{record.title} does not declare the setting '{name}', which [hookserve.settings] of its"
        f" distribution names (mend or upgrade {record.distribution})"
    )


class OffPlugins(settings.OffPlugins):
    """The plugins of a host that are loaded when one of their settings is used."""

    def __init__(self, host: PluginHost) -> None:
        self._host = host
        self._named: dict[str, list[PluginRecord]] = {}
        for record in host.off():
            for name in record.candidate.settings if record.candidate else ():
                self._named.setdefault(name, []).append(record)
        self._apart: dict[PluginRecord, dict[str, Declared]] = {}

    def names(self) -> Collection[str]:
        """As that of the base class."""
        return self._named

    def declare(self, name: str, table: SettingsTable) -> None:
        """As that of the base class.

        Raises PluginError for a plugin that cannot be loaded, and for one that does not declare the
        setting; ConfigError for a setting that two plugins declare.
        """
        for record in self._take(self._named[name]):
            self._add(record, table)
            if record.state == "failed":
                raise PluginError(f"the setting '{name}': {record.failure}", record.name)
            if not table.is_declared(name):
                raise PluginError(_undeclared(record, name), record.name)
        self.refuse_contested(table)

    def declare_flag(self, flag: str, table: SettingsTable) -> bool:
        """As that of the base class; raises ConfigError for a flag that two plugins have."""
        found = [each for each in self._host.off() if self._has(each, flag)]
        for record in self._take(found):
            self._add(record, table)
        self.refuse_contested(table)
        return bool(found)

    def _has(self, record: PluginRecord, flag: str) -> bool:
        declared = self._declared_by(record).values()
        return any(flag in (*each.flags, *each.negative_flags) for each in declared)

    def refuse_contested(self, table: SettingsTable) -> None:
        """Raise ConfigError when a plugin that is off has a setting that is declared already; one
        that cannot be loaded is among the failures of the host."""
        while contested := [each for each in self._named if table.is_declared(each)]:
            for record in self._take(self._named[contested[0]]):
                self._add(record, table)

    def _add(self, record: PluginRecord, table: SettingsTable) -> None:
        """Load one and add its settings, if it can be loaded."""
        self._host.load_off(record)
        if record.state == "active":
            add_settings(self._host, table, record.name)

    def _take(self, taken: list[PluginRecord]) -> list[PluginRecord]:
        """Those plugins, which are not to be found again."""
        for name, records in list(self._named.items()):
            left = [each for each in records if each not in taken]
            if left:
                self._named[name] = left
            else:
                del self._named[name]
        return taken

    def default(self, name: str) -> object:
        """As that of the base class.

        The plugin is loaded into a host of its own: here its hooks would be called from now on.
        """
        for record in self._named[name]:
            declared = self._declared_by(record)
            if name in declared:
                return declared[name].setting.default
        raise KeyError(name)

    def _declared_by(self, record: PluginRecord) -> dict[str, Declared]:
        """The settings of a plugin, which is imported once; none when it cannot be loaded."""
        if record not in self._apart:
            self._apart[record] = _declared_apart(record)
        return self._apart[record]


def _declared_apart(record: PluginRecord) -> dict[str, Declared]:
    host, table = PluginHost(), SettingsTable()
    apart = PluginRecord(record.name, record.candidate)
    apart.state = "off"
    host.records.append(apart)
    host.load_off(apart)
    try:
        add_settings(host, table)
    except HookserveError:
        return {}
    return {each.setting.name: each for each in table if each.owner == record.name}
