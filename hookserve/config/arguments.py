"""The command line, split once into flags, values and plain words.

What is needed before the settings are known (the plugins to load, the directory, the listings) and
the settings themselves follow from the same split.  argparse, which takes a tenth of a start to
import and to fill, writes the help and explains what is wrong with a line; nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from hookserve.config.resolved import SettingsSource
from hookserve.config.settings import SettingsTable
from hookserve.errors import UsageError
from hookserve.types import Setting

PLUGIN_FLAGS = ("-P", "--plugin", "--plugins")

ACTIONS: tuple[tuple[str, str], ...] = (
    ("--list-workers", "list the worker models that are installed, and exit"),
    ("--list-plugins", "list the plugins that are installed, and exit"),
    ("--print-config", "print each setting's value and where it came from, and exit"),
    ("--check-config", "validate the configuration, load the application, and exit"),
)
"""Flags that do something else than serve; data, for the parser and the reference."""

_SWITCHES = {
    **{flag: flag[2:].replace("-", "_") for flag, _ in ACTIONS},
    "--json": "json",
    "-v": "version",
    "--version": "version",
}
_HOOK_FLAG = "--explain-hooks"

_NEGATIVE_NUMBER = re.compile(r"-(\d+|\d*\.\d+)")


class CommandLine(NamedTuple):
    """The meaning of a command line."""

    source: SettingsSource
    """The settings."""
    application: str | None = None
    actions: Mapping[str, object] = MappingProxyType({})
    """Flags that are not settings, by their names with underscores."""
    others: tuple[str, ...] = ()
    """The words that are not read here, but by a command of a plugin's."""


class Word(NamedTuple):
    """One word of a command line."""

    flag: str
    """The flag, dashes included; empty for a word that is not a flag."""
    value: str | None
    """The word itself, or what is attached to the flag: ``--flag=VALUE``, ``-fVALUE``."""


class Arguments:
    """A command line's words; nothing is known yet about which flags take a value."""

    def __init__(self, words: Sequence[str], is_of_command: bool = False) -> None:
        self.raw = tuple(words)
        self.words = tuple(_split(words))
        self.is_of_command = is_of_command
        """Whether what is no flag of a setting belongs to a command of a plugin's."""

    @classmethod
    def of_variable(cls, environ: Mapping[str, str], name: str = "HOOKSERVE_CMD_ARGS") -> Arguments:
        """The arguments in a variable; raises UsageError when the quoting is broken."""
        text = environ.get(name)
        if not text:
            return cls(())
        import shlex

        try:
            return cls(shlex.split(text))
        except ValueError as error:
            raise UsageError(f"{name} cannot be split: {error}") from None

    @property
    def flags(self) -> frozenset[str]:
        """The flags that occur."""
        return frozenset(word.flag for word in self.words)

    def values_of(self, *flags: str) -> list[str]:
        """The values of a flag that takes one, known before the settings are."""
        return [
            value
            for position, word in enumerate(self.words)
            if word.flag in flags and (value := self.value_at(position, word)) is not None
        ]

    def plugins(self) -> list[str]:
        """The values of ``-P``, each name by itself."""
        return [
            name for value in self.values_of(*PLUGIN_FLAGS) for name in value.split(",") if name
        ]

    def value_at(self, position: int, word: Word) -> str | None:
        """The value attached to a flag, else the plain word that follows the position."""
        if word.value is not None:
            return word.value.removeprefix("=") if word.flag[:2] != "--" else word.value
        follower = self.words[position + 1] if position + 1 < len(self.words) else None
        return None if follower is None or follower.flag else follower.value


def _split(words: Sequence[str]) -> Iterator[Word]:
    only_plain = False
    for word in words:
        if only_plain or word[:1] != "-" or word == "-" or _NEGATIVE_NUMBER.fullmatch(word):
            yield Word("", word)
        elif word == "--":
            only_plain = True
        elif word[:2] == "--":
            flag, has_value, value = word.partition("=")
            yield Word(flag, value if has_value else None)
        else:
            yield Word(word[:2], word[2:] or None)


def read(
    table: SettingsTable,
    arguments: Arguments,
    origin: str,
    explain: Callable[[str], str | None] = lambda flag: None,
) -> CommandLine:
    """The meaning of a command line; raises UsageError with the nearest flag.

    `explain` returns what to do about a flag that is not known, or `None`.
    """
    if arguments.is_of_command:
        of_settings, others = separate(table, arguments.raw)
        line = read(table, Arguments(of_settings), origin, explain)
        return line._replace(others=tuple(others))
    if not arguments.words:
        return CommandLine(SettingsSource(origin, {}))
    found = _Reading(table, arguments).meaning(origin)
    if found is None:
        from hookserve.config.parser import explain_error

        table.declare_all()  # what is meant may be a setting of any of them
        raise explain_error(table, arguments.raw, explain)
    return found


def separate(table: SettingsTable, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags of settings with their values, and all other words; those after ``--`` are others,
    and so are the flags of `ACTIONS`."""
    flags = {flag: each.setting for each in table for flag in each.flags}
    off = {flag for each in table for flag in each.negative_flags}
    found: list[str] = []
    others: list[str] = []
    end = words.index("--") if "--" in words else len(words)
    position = 0
    while position < end:
        word = next(_split([words[position]]))
        setting = flags.get(word.flag)
        taken = found if setting is not None or word.flag in off else others
        taken.append(words[position])
        position += 1
        has_value = setting is not None and setting.switch is None and word.value is None
        if has_value and position < end and not next(_split([words[position]])).flag:
            found.append(words[position])
            position += 1
    return found, [*others, *words[end + 1 :]]


class _Reading:
    """One command line being read with all settings known."""

    def __init__(self, table: SettingsTable, arguments: Arguments) -> None:
        self._arguments = arguments
        self._table = table
        self._take_flags()
        self._values: dict[str, object] = {}
        self._repeated: dict[str, list[str]] = {}
        self._actions: dict[str, object] = {}
        self._application: str | None = None

    def _take_flags(self) -> None:
        table = self._table
        self._flags: dict[str, Setting] = {
            flag: each.setting for each in table for flag in each.flags
        }
        self._off = {flag: each.setting.name for each in table for flag in each.negative_flags}

    def meaning(self, origin: str) -> CommandLine | None:
        """What the line says; `None` when anything is wrong with it."""
        position = 0
        while position < len(self._arguments.words):
            word = self._arguments.words[position]
            taken = self._take(word, position)
            if not taken:
                return None
            position += taken
        values = {**self._values, **self._repeated}
        return CommandLine(SettingsSource(origin, values), self._application, self._actions)

    def _take(self, word: Word, position: int) -> int:
        """Read one word and its value: how many words that were, 0 when it is wrong."""
        if not word.flag:
            if self._application is not None:
                return 0
            self._application = word.value
            return 1
        if word.flag == _HOOK_FLAG:
            value = self._arguments.value_at(position, word)
            self._actions["explain_hooks"] = value or ""
            return 1 if value is None or word.value is not None else 2
        setting = self._flags.get(word.flag)
        if setting is None and word.flag not in self._off and word.flag not in _SWITCHES:
            if self._table.declare_flag(word.flag):
                self._take_flags()
            setting = self._flags.get(word.flag)
        if setting is None or setting.switch is not None:
            return self._take_switch(word, position, setting)
        value, is_bare = self._arguments.value_at(position, word), False
        if value is None:
            value, is_bare = setting.bare, True
        if value is None:
            return 0
        if setting.repeatable:
            self._repeated.setdefault(setting.name, []).append(value)
        else:
            self._values[setting.name] = value
        return 1 if word.value is not None or is_bare else 2

    def _take_switch(self, word: Word, position: int, setting: Setting | None) -> int:
        if setting is not None:
            self._values[setting.name] = True
        elif word.flag in self._off:
            self._values[self._off[word.flag]] = False
        elif word.flag == "--print-config" and word.value == "json":
            self._actions.update(print_config=True, json=True)
            return 1
        elif word.flag in _SWITCHES:
            self._actions[_SWITCHES[word.flag]] = True
        else:
            return 0
        if word.value is None:
            return 1
        # -DR is -D -R; --switch=VALUE is wrong.
        if word.flag[:2] == "--" or word.value[:1] in ("=", "-"):
            return 0
        rest = Word(f"-{word.value[0]}", word.value[1:] or None)
        return self._take(rest, position)
