"""Names in files that are not settings: refused in TOML, a warning in a Python file."""

from __future__ import annotations

import inspect
import types
from collections.abc import Container, Sequence

from hookserve.config.resolved import SettingsSource
from hookserve.config.settings import SettingsTable, names_of
from hookserve.errors import ConfigError
from hookserve.hookmarkers import PROJECT
from hookserve.hookspecs import AssemblyHooks, Hooks
from hookserve.plugins import calling
from hookserve.plugins.discovery import published_settings
from hookserve.plugins.host import PluginHost, PluginRecord
from hookserve.plugins.selection import explain_left_out
from hookserve.wording import did_you_mean, nearest

_SLIP_RATIO = 0.85
"""How much of a file's own name is also in a setting's when it is probably a slip."""

_BEGINNING_RATIO = 0.75
"""More than that of a setting, in words, is probably meant for all of it: preload for preload_app,
and not root for root_path."""


_TOO_LATE = {
    "plugins": "the plugins are loaded before: use hookserve.toml, HOOKSERVE_PLUGINS or -P",
    "config": "the file is found before: use hookserve.toml, HOOKSERVE_CONFIG or -c",
}
"""Settings that a Python file gives in vain, and what to do instead."""


def explain(host: PluginHost, kind: str, name: str) -> str | None:
    """What to do about an unknown name: what a plugin knows of it, else what is known of plugins
    that are not loaded; `None` when that is nothing."""
    advice = calling.ask(host.hook.explain_unknown, kind, name)
    return _explain_absent(host, kind, name) if advice is None else str(advice)


def _explain_absent(host: PluginHost, kind: str, name: str) -> str | None:
    names = names_of(name) if kind == "flag" else (name,)
    known = published_settings()
    distribution = next((known[each] for each in names if each in known), None)
    for record in host.records:
        if _may_have(record, names, distribution, is_flag=kind == "flag"):
            if record in host.failures():
                return record.failure
            reason = explain_left_out(host, record.name)
            return f"the plugin {record.name} {reason}" if reason else None
    return distribution and f"it comes with {distribution}: pip install {distribution}"


def _may_have(
    record: PluginRecord, names: Sequence[str], distribution: str | None, is_flag: bool
) -> bool:
    """Whether a plugin may have a setting of one of the names; one that is not loaded need not say
    which settings it has."""
    candidate = record.candidate
    if candidate is None:
        return False
    if distribution is not None and candidate.is_called(distribution):
        return True
    prefix = f"{candidate.name}_"
    return any(
        each in candidate.settings
        or candidate.is_called(each)
        or (is_flag and each.startswith(prefix))
        for each in names
    )


def refuse_unknown(
    host: PluginHost, table: SettingsTable, source: SettingsSource, hooks: Sequence[str] = ()
) -> None:
    """Raise ConfigError for a name that is neither a setting nor among the `hooks` that the source
    may have, and for a hook that is not a function."""
    for name, value in source.values.items():
        if name in table:
            continue
        if name in hooks:
            problem = not_a_hook(name, value)
        else:
            advice = explain(host, "setting", name)
            hint = f" ({advice})" if advice else did_you_mean(name, [*table.names(), *hooks])
            problem = f"'{name}' is not a setting{hint}"
        if problem:
            raise ConfigError(f"{source.origin}: {problem}")


def file_settings(
    host: PluginHost, table: SettingsTable, module: types.ModuleType, source: str
) -> tuple[SettingsSource, list[str]]:
    """The settings among a Python file's names, and a warning for each probable slip.

    A file has names of its own: only one that nearly spells a setting or a hook, or that a plugin
    knows from elsewhere, is worth a warning.
    """
    values: dict[str, object] = {}
    warnings: list[str] = []
    for name, value in vars(module).items():
        if name.startswith("_") or isinstance(value, types.ModuleType):
            continue
        if name in _TOO_LATE:
            if isinstance(value, (str, list, tuple)):
                warnings.append(f"{source}: '{name}' has no effect here ({_TOO_LATE[name]})")
        elif name in table:
            values[name] = value
        else:
            warning = (
                not_a_hook(name, value)
                if hasattr(Hooks, name)
                else _slip(host, table, name, value, vars(module))
            )
            if warning:
                warnings.append(f"{source}: {warning}")
    return SettingsSource(source, values), warnings


def not_a_hook(name: str, value: object) -> str:
    """What is wrong with a value under the name of a hook; a string may name a function, and the
    names of collected hooks may be the file's own, unless a function takes what the hook gives."""
    if hasattr(AssemblyHooks, name) and _is_unmarked(name, value):
        return (
            f"'{name}' is a hook that counts only with @hookimpl (from hookserve import hookimpl)"
        )
    is_reference = isinstance(value, str) and any(each in value for each in ".:")
    if value is None or callable(value) or is_reference or hasattr(AssemblyHooks, name):
        return ""
    return f"'{name}' is a hook, and {value!r:.40} is not a function"


def _is_unmarked(name: str, value: object) -> bool:
    """Whether it is a function with parameters of that hook, and not marked as a hook."""
    if not isinstance(value, types.FunctionType) or hasattr(value, f"{PROJECT}_impl"):
        return False
    taken = set(inspect.signature(value).parameters)
    return bool(taken) and taken <= set(inspect.signature(getattr(Hooks, name)).parameters)


def _slip(
    host: PluginHost, table: SettingsTable, name: str, value: object, names: Container[str]
) -> str:
    """A phrase for a name that is probably meant for another; constants in capitals are the file's
    own where the file has that other name too."""
    advice = explain(host, "setting", name)
    if advice is not None:
        return f"'{name}' is not a setting ({advice})"
    kind, known = "setting", table.names()
    if isinstance(value, types.FunctionType):
        kind, known = "hook", [each for each in dir(Hooks) if not each.startswith("_")]
    elif callable(value):
        return ""
    lowered = name.lower()
    meant = nearest(lowered, known)
    if meant is None or not _nearly_spells(lowered, meant):
        return ""
    if name != lowered and meant in names:
        return ""
    return f"'{name}' is not a {kind} (did you mean '{meant}'?)"


def _nearly_spells(name: str, known: str) -> bool:
    import difflib

    if name.startswith(f"{known}_"):  # a value on its way to the setting: timeout_str
        return False
    ratio = difflib.SequenceMatcher(None, name, known).ratio()
    return ratio >= _SLIP_RATIO or (known.startswith(f"{name}_") and ratio > _BEGINNING_RATIO)
