"""The table of all settings: the core's and those of the active plugins.

Flags, environment variables, file keys, validation, ``--help`` and the reference follow from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, NoReturn

from hookserve.config.core import CORE_SETTINGS
from hookserve.errors import ConfigError
from hookserve.types import Setting
from hookserve.wording import describe

_FLAG = re.compile(r"-[A-Za-z0-9]|--[A-Za-z0-9][\w-]+")


class Declared(NamedTuple):
    """A setting and its owner."""

    setting: Setting
    owner: str
    """``hookserve`` for the core, otherwise the plugin's name."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"HOOKSERVE_{self.setting.name.upper()}"

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


class SettingsTable:
    """Every setting of the core and of the active plugins, by name."""

    def __init__(self) -> None:
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
        return name in self._declared

    def __getitem__(self, name: str) -> Declared:
        return self._declared[name]

    def names(self) -> Iterable[str]:
        """The names of all settings."""
        return self._declared.keys()

    def flags(self) -> Iterable[str]:
        """All flags of all settings."""
        return self._flags.keys()
