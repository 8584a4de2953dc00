"""The command line: flags made from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from hookserve.config.resolved import SettingsSource
from hookserve.config.settings import SettingsTable
from hookserve.errors import UsageError

PLUGIN_FLAGS = ("-P", "--plugin", "--plugins")


class CommandLine(NamedTuple):
    """What a command line says."""

    source: SettingsSource
    """The settings."""
    application: str | None = None
    actions: Mapping[str, object] = MappingProxyType({})
    """Flags that are no settings, by their names with underscores."""


def read(table: SettingsTable, arguments: Sequence[str], origin: str) -> CommandLine:
    """What a command line says; raises UsageError with the nearest flag.

    Nearly all say settings and an application, each flag a word, and are read here.  Whatever
    else there is, argparse reads: importing it and telling it all flags takes a tenth of a start.
    """
    found = _read_plain(table, arguments, origin)
    if found is not None:
        return found
    from hookserve.config.parser import parse

    said = parse(table, arguments)
    application = said.pop("application", None)
    values = {name: said.pop(name) for name in list(said) if name in table}
    return CommandLine(
        SettingsSource(origin, values), None if application is None else str(application), said
    )


def _read_plain(table: SettingsTable, arguments: Sequence[str], origin: str) -> CommandLine | None:
    """As argparse would read it; `None` for what is not plain, or wrong."""
    flags = {flag: each.setting for each in table for flag in each.flags}
    off = {flag: each.setting.name for each in table for flag in each.negative_flags}
    values: dict[str, object] = {}
    repeated: dict[str, list[str]] = {}
    application = None
    words = iter(arguments)
    for word in words:
        flag, has_value, value = word.partition("=") if word[:2] == "--" else (word, "", "")
        setting = flags.get(flag)
        if setting is None:
            if flag in off and not has_value:
                values[off[flag]] = False
            elif word[:1] not in ("", "-") and application is None:
                application = word
            else:
                return None
        elif setting.switch is not None:
            if has_value:
                return None
            values[setting.name] = True
        else:
            value = value if has_value else next(words, "")
            if not value or (value[0] == "-" and value != "-"):
                return None
            if setting.repeatable:
                repeated.setdefault(setting.name, []).append(value)
            else:
                values[setting.name] = value
    return CommandLine(SettingsSource(origin, {**values, **repeated}), application)


def split_variable(environ: Mapping[str, str]) -> list[str]:
    """The arguments in ``HOOKSERVE_CMD_ARGS``; raises UsageError when the quoting is broken."""
    words = environ.get("HOOKSERVE_CMD_ARGS")
    if not words:
        return []
    import shlex

    try:
        return shlex.split(words)
    except ValueError as error:
        raise UsageError(f"HOOKSERVE_CMD_ARGS cannot be split: {error}") from None


def plugin_words(arguments: Iterable[str]) -> list[str]:
    """The values of ``-P`` in raw arguments, read before any plugin is loaded."""
    found: list[str] = []
    takes_next = False
    for word in arguments:
        if takes_next:
            found.append(word)
            takes_next = False
        elif word in PLUGIN_FLAGS:
            takes_next = True
        elif word.startswith(("--plugin=", "--plugins=")):
            found.append(word.partition("=")[2])
        elif word.startswith("-P") and not word.startswith("--"):
            found.append(word[2:])
    return [part for word in found for part in word.split(",") if part]


def early_value(arguments: Sequence[str], flags: Iterable[str]) -> str | None:
    """The last value of a flag in raw arguments, read before the parser can be built."""
    found = None
    for position, word in enumerate(arguments):
        for flag in flags:
            if word == flag and position + 1 < len(arguments):
                found = arguments[position + 1]
            elif word.startswith(f"{flag}=") and flag.startswith("--"):
                found = word.partition("=")[2]
    return found
