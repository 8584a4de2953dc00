"""A configuration of `logging`, applied on top of the server's own, and read before that."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from hookserve import ConfigError

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

FORMS = ("logconfig_dict", "logconfig_json", "logconfig")
"""The settings; the first that is set is applied."""


def form_of(config: Config) -> str:
    """The setting whose configuration is applied; empty if there is none."""
    return next((name for name in FORMS if config.get(name)), "")


def apply(config: Config) -> None:
    """Configure the logging of the process; raises ConfigError."""
    import logging.config

    try:
        if config.logconfig_dict or config.logconfig_json:
            defaults = {"version": 1, "disable_existing_loggers": False}
            logging.config.dictConfig({**defaults, **_table(config)})
        else:
            places = _places(config.logconfig)
            logging.config.fileConfig(config.logconfig, places, disable_existing_loggers=False)
    except Exception as error:  # logging.config raises whatever its parts raise
        raise ConfigError(f"the logging configuration is wrong: {error}") from error


def served(config: Config, names: Iterable[str], own: Container[str]) -> list[str]:
    """Those of the loggers whose records the handlers of the configuration get: their own ones, or
    by propagation those of a parent or the root.

    A logger that has no entry counts where a parent has one that is not in `own`, the names of the
    server's loggers, which do not propagate unless they are told to.  A configuration that cannot
    be read names none; to apply it is the error.
    """
    form = form_of(config)
    if not form:
        return []
    try:
        is_file = form == "logconfig"
        entries = _entries_of_file(config.logconfig) if is_file else _entries(_table(config), own)
    except Exception:  # whatever its parts raise
        return []
    return [name for name in names if _is_served(name, entries, own)]


def _table(config: Config) -> Mapping[str, Any]:  # Any: the schema of dictConfig
    """The table, with that of `logconfig_defaults` under it."""
    if config.logconfig_dict:
        return _with_defaults(config.logconfig_dict, config.logconfig_defaults)
    import json
    from pathlib import Path

    table = json.loads(Path(config.logconfig_json).read_text())
    return _with_defaults(table, config.logconfig_defaults)


def _with_defaults(
    table: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Mapping[str, Any]:  # Any: the schema of dictConfig
    """The table, and each part of the defaults that it does not have; what such a part refers to
    and the table has left out is not referred to."""
    handlers = table.get("handlers", defaults.get("handlers", {}))
    formatters = table.get("formatters", defaults.get("formatters", {}))

    def cleared(entry: Mapping[str, Any]) -> dict[str, Any]:  # Any: as above
        found = dict(entry)
        if "handlers" in found:
            found["handlers"] = [name for name in found["handlers"] if name in handlers]
        if found.get("formatter") not in formatters:
            found.pop("formatter", None)
        return found

    parts = dict(defaults)
    for part in ("loggers", "handlers"):
        parts[part] = {name: cleared(entry) for name, entry in parts.get(part, {}).items()}
    if "root" in parts:
        parts["root"] = cleared(parts["root"])
    return {**parts, **table}


def _places(path: str) -> dict[str, str]:
    """What ``%(here)s`` and ``%(__file__)s`` mean in a file for fileConfig."""
    import os

    return {"__file__": path, "here": os.path.dirname(path)}


class _Entry(NamedTuple):
    has_handlers: bool = False
    propagates: bool = True


_ROOT = ""


def _is_served(name: str, entries: Mapping[str, _Entry], own: Container[str]) -> bool:
    ends = [end for end, letter in enumerate(name) if letter == "."][::-1]
    parents = [name[:end] for end in ends if name[:end] not in own]
    if name not in entries and entries.keys().isdisjoint(parents):
        return False
    for each in (name, *parents):
        # `logging.config` has the children of a logger with an entry propagate.
        entry = entries.get(each, _Entry())
        if entry.has_handlers or not entry.propagates:
            return entry.has_handlers
    return entries.get(_ROOT, _Entry()).has_handlers


def _entries(
    table: Mapping[str, Any], own: Container[str]
) -> dict[str, _Entry]:  # Any: the schema of dictConfig
    loggers = table.get("loggers", {})
    found = {
        name: _Entry(bool(entry.get("handlers")), bool(entry.get("propagate", name not in own)))
        for name, entry in loggers.items()
    }
    return {_ROOT: _Entry(bool(table.get("root", {}).get("handlers"))), **found}


def _entries_of_file(path: str) -> dict[str, _Entry]:
    import configparser

    parser = configparser.ConfigParser(_places(path))
    parser.read(path)
    found = {}
    for key in parser["loggers"]["keys"].split(","):
        section = parser[f"logger_{key.strip()}"]
        name = _ROOT if key.strip() == "root" else section.get("qualname", "")
        has_handlers = bool(section.get("handlers", "").strip())
        found[name] = _Entry(has_handlers, bool(section.getint("propagate", fallback=1)))
    return found
