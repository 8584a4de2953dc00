"""Settings that were given a value and that have no effect as things stand, one line each."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from hookserve.config.resolved import Config
from hookserve.config.settings import SettingsTable
from hookserve.plugins.host import PluginHost
from hookserve.plugins.selection import claimed_workers
from hookserve.types import WorkerType

_OFF = (None, False, "", (), 0, "off", "none")
_TCP_ONLY = ("reuse_port", "defer_accept")


def unhonoured_settings(
    host: PluginHost,
    table: SettingsTable,
    config: Config,
    chosen: WorkerType,
    is_final: bool = False,
) -> list[str]:
    """One line for each setting that has a value and that the chosen model does not honour.

    `is_final`: the application is loaded, so that no other model will be chosen for its interface.
    """
    can = chosen.capabilities
    needs = {declared.setting.name: declared.setting.needs for declared in table}
    refused = {
        name: "; ".join([f"{' and '.join(found)} would", *(f"{each} too" for each in needs[name])])
        for name, found in settings_of_models(host).items()
        if name in needs and not any(_is_met(config, each) for each in needs[name])
    }
    if not can.keepalive:
        refused["keepalive"] = "it closes each connection"
    if not can.sendfile:
        refused["sendfile"] = "it reads and sends"
    if not can.buffered or config.get("buffer_bodies"):
        refused.pop("buffer_bodies", None)  # off, where a body can only be had as a whole
    honoured = can.settings
    if not is_final and config.is_default("worker_class"):
        honoured = honoured | _honoured_by_interface(host, chosen)
    if "buffer_bodies" in honoured and config.get("buffer_bodies") is False:
        honoured = honoured - {"spool_size"}
        refused["spool_size"] = "with buffer_bodies it would"
    return [
        f"{name} ({config.origin(name)}): the worker {chosen.name} does not honour it ({why})"
        for name, why in refused.items()
        if name in table and name not in honoured and not config.is_default(name)
    ]


def _honoured_by_interface(host: PluginHost, chosen: WorkerType) -> frozenset[str]:
    """The settings of models that run another interface, which the application may have: where no
    model is named it is one of these that serves it then."""
    types = [each for each, _ in claimed_workers(host)]
    others = [each for each in types if not set(each.interfaces) <= set(chosen.interfaces)]
    of_others = {name for each in others for name in each.capabilities.settings}
    of_alike = {name for each in types if each not in others for name in each.capabilities.settings}
    return frozenset(of_others - of_alike)


def settings_of_models(host: PluginHost) -> dict[str, list[str]]:
    """The settings that belong to worker models, each with the names of these."""
    owners: dict[str, list[str]] = {}
    for worker_type, _ in claimed_workers(host):
        for name in worker_type.capabilities.settings:
            owners.setdefault(name, []).append(worker_type.name)
    return owners


def settings_without_effect(
    table: SettingsTable, config: Config, of_models: Collection[str] = ()
) -> Iterator[str]:
    """One line for each setting that has a value and lacks what it needs to have an effect;
    `unhonoured_settings` has those of worker models."""
    for declared in table:
        name = declared.setting.name
        if declared.setting.foreign and config.get(name) != declared.setting.default:
            yield f"{name} ({config.origin(name)}): {declared.setting.foreign}"
        if name in of_models or not config.was_given(name) or config.get(name) in _OFF:
            continue
        needs = [each for each in declared.setting.needs if _named_by(each) in table]
        if needs and not any(_is_met(config, each) for each in needs):
            yield f"{name} ({config.origin(name)}): it has no effect without {' or '.join(needs)}"
    yield from _listening_without_effect(config)
    for path in config.pythonpath:
        if not os.path.exists(path):
            yield f"pythonpath ({config.origin('pythonpath')}): {path} does not exist"
    if not config.logger_class:
        yield f"logger_class ({config.origin('logger_class')}): without a logger nothing is logged"
    if config.proc_name and not _can_set_titles():
        yield (
            f"proc_name ({config.origin('proc_name')}): process titles need a package"
            " (pip install 'hookserve[title]')"
        )


def _listening_without_effect(config: Config) -> Iterator[str]:
    if all(address.startswith("unix:") for address in config.bind):
        for name in _TCP_ONLY:
            if config.was_given(name) and config.get(name):
                yield f"{name} ({config.origin(name)}): it has no effect on unix sockets"
    if config.umask and config.was_given("umask") and not any(map(_has_mode_of_umask, config.bind)):
        yield (
            f"umask ({config.origin('umask')}): it has no effect without a unix socket that takes"
            " its mode from it"
        )


def _has_mode_of_umask(address: str) -> bool:
    is_path = address.startswith("unix:") and not address.startswith("unix:@")
    return is_path and "mode=" not in address.partition("?")[2]


def _named_by(need: str) -> str:
    return need.partition("=")[0].removesuffix("!")


def _is_met(config: Config, need: str) -> bool:
    name, has_value, value = need.partition("=")
    if has_value:
        is_equal = str(config.get(name.removesuffix("!"))) == value
        return is_equal != name.endswith("!")
    return config.get(name) not in _OFF and config.get(name) != {}


def _can_set_titles() -> bool:
    from importlib.util import find_spec

    return find_spec("setproctitle") is not None
