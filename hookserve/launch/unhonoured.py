"""Settings that were given a value and that the chosen worker model does not honour."""

from __future__ import annotations

from hookserve.config.resolved import Config
from hookserve.config.settings import SettingsTable
from hookserve.plugins.host import PluginHost
from hookserve.plugins.selection import claimed_workers
from hookserve.types import WorkerType


def unhonoured_settings(
    host: PluginHost, table: SettingsTable, config: Config, chosen: WorkerType
) -> list[str]:
    """One line for each setting that has a value and that the chosen model does not honour."""
    can = chosen.capabilities
    owners: dict[str, list[str]] = {}
    for worker_type, _ in claimed_workers(host):
        for name in worker_type.capabilities.settings:
            owners.setdefault(name, []).append(worker_type.name)
    refused = {name: f"{' and '.join(found)} would" for name, found in owners.items()}
    if not can.keepalive:
        refused["keepalive"] = "it closes each connection"
    if not can.sendfile:
        refused["sendfile"] = "it reads and sends"
    return [
        f"{name} ({config.origin(name)}): the worker {chosen.name} does not honour it ({why})"
        for name, why in refused.items()
        if name in table and name not in can.settings and not config.is_default(name)
    ]
