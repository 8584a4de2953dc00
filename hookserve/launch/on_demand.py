"""Declares the settings of plugins: of those that are loaded, of the others when one is used."""

from __future__ import annotations

from collections.abc import Collection

from hookserve.config import settings
from hookserve.config.settings import SettingsTable
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


class OffPlugins(settings.OffPlugins):
    """The plugins of a host that are loaded when one of their settings is used."""

    def __init__(self, host: PluginHost) -> None:
        self._host = host
        self._named: dict[str, list[PluginRecord]] = {}
        for record in host.off():
            for name in record.candidate.settings if record.candidate else ():
                self._named.setdefault(name, []).append(record)
        self._defaults: dict[str, object] = {}

    def names(self) -> Collection[str]:
        """As that of the base class."""
        return self._named

    def declare(self, name: str, table: SettingsTable) -> None:
        """As that of the base class.

        Raises PluginError for a plugin that cannot be loaded, and for one that does not declare the
        setting; ConfigError for a setting that two plugins declare.
        """
        for record in self._take(name):
            self._host.load_off(record)
            if record.state == "failed":
                raise PluginError(f"the setting '{name}': {record.failure}", record.name)
            add_settings(self._host, table, record.name)
            if not table.is_declared(name):
                raise PluginError(
                    f"{record.title} does not declare the setting '{name}', which"
                    f" [hookserve.settings] of its distribution names (mend or upgrade"
                    f" {record.distribution})",
                    record.name,
                )
        self.refuse_contested(table)

    def refuse_contested(self, table: SettingsTable) -> None:
        """Raise ConfigError when a plugin that is off has a setting that is declared already."""
        for name in [each for each in self._named if table.is_declared(each)]:
            self.declare(name, table)

    def _take(self, name: str) -> list[PluginRecord]:
        """The plugins with that setting, which are not to be found again."""
        taken = self._named.pop(name)
        for other, records in list(self._named.items()):
            left = [each for each in records if each not in taken]
            if left:
                self._named[other] = left
            else:
                del self._named[other]
        return taken

    def default(self, name: str) -> object:
        """As that of the base class.

        The plugin is loaded into a host of its own: here its hooks would be called from now on.
        """
        if name not in self._defaults:
            for record in self._named[name]:
                self._defaults.update(_defaults_of(record))
        return self._defaults[name]


def _defaults_of(record: PluginRecord) -> dict[str, object]:
    """The defaults of a plugin's settings; none when it cannot be loaded."""
    host, table = PluginHost(), SettingsTable()
    apart = PluginRecord(record.name, record.candidate)
    apart.state = "off"
    host.records.append(apart)
    host.load_off(apart)
    try:
        add_settings(host, table)
    except HookserveError:
        return {}
    return {each.setting.name: each.setting.default for each in table}
