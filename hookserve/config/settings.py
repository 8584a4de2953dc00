"""The table of all settings: the core's and those of the plugins.

Flags, environment variables, file keys, validation, ``--help`` and the reference follow from it.
A plugin that is off is found by the names of its settings, and loaded when one of them is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple, NoReturn

from hookserve.config.core import CORE_SETTINGS
from hookserve.errors import ConfigError, HookserveError
from hookserve.types import Setting
from hookserve.wording import describe

_FLAG = re.compile(r"-[A-Za-z0-9]|--[A-Za-z0-9][\w-]+")


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"HOOKSERVE_{name.upper()}"


class Declared(NamedTuple):
    """A setting and its owner."""

    setting: Setting
    owner: str
    """``hookserve`` for the core, otherwise the plugin's name."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return variable_of(self.setting.name)

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags, short ones first; the last is the one that the setting's name gives."""
        if self.setting.hidden:
            return ()
        spelt = f"--{self.setting.name.replace('_', '-')}"
        others = [flag for flag in self.setting.flags if flag != spelt]
        return (*sorted(others, key=len), spelt)

    @property
    def negative_flags(self) -> tuple[str, ...]:
        """The flags that switch it off; none when it is not a switch."""
        if self.setting.switch is None:
            return ()
        return tuple(f"--no-{flag[2:]}" for flag in self.flags if flag.startswith("--"))


def _checked(setting: Setting, owner: str, title: Callable[[str], str]) -> Setting:
    """The setting, its default as its kind makes it; raises ConfigError naming its owner."""

    def refuse(problem: str) -> NoReturn:
        raise ConfigError(f"the setting {setting.name!r} of {title(owner)} {problem}")

    name = setting.name
    if not name.isidentifier() or name != name.lower():
        refuse("needs a name of lower-case letters, digits and underscores")
    if not callable(setting.kind):
        refuse(f"has a kind that cannot be called: {setting.kind!r}")
    for flag in setting.flags:
        if not _FLAG.fullmatch(flag):
            refuse(f"has a malformed flag {flag!r} (-x, or --long-name)")
    if setting.default is None:
        return setting
    try:
        default = setting.kind(setting.default)
    except Exception as error:  # a kind may raise anything
        refuse(f"has a default that its kind refuses: {setting.default!r} ({describe(error)})")
    return setting if default is setting.default else setting._replace(default=default)


class OffPlugins:
    """The plugins that are loaded when one of their settings is used; here there are none."""

    def names(self) -> Collection[str]:
        """Their settings, as far as they are not loaded yet."""
        return ()

    def declare(self, name: str, table: SettingsTable) -> None:
        """Load those with that setting and add theirs to the table; raises HookserveError."""

    def declare_flag(self, flag: str, table: SettingsTable) -> bool:
        """Load those with that flag, which no name of a setting gives, and add their settings to
        the table: whether there is one.  Raises HookserveError."""
        return False

    def default(self, name: str) -> object:
        """The default of that setting, without a plugin being loaded; raises KeyError."""
        raise KeyError(name)


def names_of(flag: str) -> tuple[str, ...]:
    """The settings that a flag may be of, as far as their names say."""
    if flag[:2] != "--":
        return ()
    name = flag[2:].replace("-", "_")
    return (name, name.removeprefix("no_")) if name.startswith("no_") else (name,)


class SettingsTable:
    """Every setting of the core and of the plugins, by name.

    Its names are those of all settings, and what it iterates over are those that are declared:
    all but those of plugins that are `off`.  To take one by its name declares it.
    """

    def __init__(self, off: OffPlugins | None = None) -> None:
        self._off = OffPlugins() if off is None else off
        self._declared: dict[str, Declared] = {}
        self._flags: dict[str, str] = {}
        for setting in CORE_SETTINGS:
            self.add(setting, "hookserve")

    def add(self, setting: Setting, owner: str, title: Callable[[str], str] = str) -> None:
        """Add a setting that `owner` declares; `title` returns what names it in an error, which is
        read from the files of its distribution.

        Raises ConfigError when its name or one of its flags is taken, naming both owners, and when
        the setting itself is wrong.
        """
        setting = _checked(setting, owner, title)
        declared = Declared(setting, owner)
        taken = self._declared.get(setting.name)
        if taken is not None:
            raise ConfigError(
                f"the setting '{setting.name}' is declared by {taken.owner} and by {title(owner)}"
                " (leave one of them out with -P no:NAME)"
            )
        for flag in declared.flags:
            if flag in self._flags:
                raise ConfigError(
                    f"the flag {flag} belongs to '{self._flags[flag]}' and is claimed for"
                    f" '{setting.name}' by {title(owner)} (leave one of them out with -P no:NAME)"
                )
            self._flags[flag] = setting.name
        self._declared[setting.name] = declared

    def __iter__(self) -> Iterator[Declared]:
        return iter(self._declared.values())

    def __contains__(self, name: str) -> bool:
        return name in self._declared or name in self._off.names()

    def __getitem__(self, name: str) -> Declared:
        """Raises HookserveError when its plugin cannot be loaded."""
        if name not in self._declared and name in self._off.names():
            self._off.declare(name, self)
        return self._declared[name]

    def declare_flag(self, flag: str) -> bool:
        """Load the plugin that has this flag, if one that is off has it: whether there is one.
        Raises HookserveError when it cannot be loaded.

        Where no setting has that name, all are imported: one may have it under another name.
        """
        for name in names_of(flag):
            if name in self._off.names():
                self._off.declare(name, self)
                return True
        return self._off.declare_flag(flag, self)

    def declare_all(self) -> None:
        """Load all plugins that are off and can be loaded."""
        for name in list(self._off.names()):
            try:
                self[name]
            except (HookserveError, KeyError):  # what is wrong there was not asked for
                continue

    def default(self, name: str) -> object:
        """The default of a setting, for which no plugin is loaded; raises KeyError."""
        declared = self._declared.get(name)
        return self._off.default(name) if declared is None else declared.setting.default

    def is_declared(self, name: str) -> bool:
        """Whether it is the core's, or that of a plugin that is loaded."""
        return name in self._declared

    def names(self) -> Collection[str]:
        """The names of all settings."""
        return dict.fromkeys([*self._declared, *self._off.names()])

    def flags(self) -> Iterable[str]:
        """All flags of all settings."""
        return self._flags.keys()
