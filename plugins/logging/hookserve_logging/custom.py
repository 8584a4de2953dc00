"""A configuration of `logging` in the place of the server's own: read before it is applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

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


def served(config: Config, names: Iterable[str]) -> list[str]:
    """Those of the loggers that the configuration names and gives a handler, or the root's.

    A configuration that cannot be read names none; to apply it is the error.
    """
    form = form_of(config)
    if not form:
        return []
    try:
        found = (
            _served_by_file(config.logconfig) if form == "logconfig" else _served(_table(config))
        )
    except Exception:  # whatever its parts raise
        return []
    return [name for name in names if name in found]


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


def _served(table: Mapping[str, Any]) -> set[str]:  # Any: the schema of dictConfig
    root = table.get("root", {}).get("handlers")
    return {
        name
        for name, entry in table.get("loggers", {}).items()
        if entry.get("handlers") or (entry.get("propagate") and root)
    }


def _served_by_file(path: str) -> set[str]:
    import configparser

    parser = configparser.ConfigParser(_places(path))
    parser.read(path)
    found = set()
    for key in parser["loggers"]["keys"].split(","):
        section = parser[f"logger_{key.strip()}"]
        root = parser["logger_root"].get("handlers", "").strip()
        propagates = section.getint("propagate", fallback=1)
        if section.get("handlers", "").strip() or (propagates and root):
            found.add(section.get("qualname", ""))
    return found
