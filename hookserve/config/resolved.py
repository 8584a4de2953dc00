"""The configuration: one immutable value for each setting, and where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

from hookserve.config.settings import Declared, SettingsTable
from hookserve.config.values import explain_rejected
from hookserve.errors import ConfigError
from hookserve.types import Setting, SettingValue
from hookserve.wording import describe, shown

T = TypeVar("T")

_DEFAULT = "default"


class SettingsSource(NamedTuple):
    """The values that one source gives."""

    origin: str
    """The source's name in messages: ``hookserve.toml``, ``command line``."""
    values: Mapping[str, object]
    """By the settings' names, as they are in the source."""
    names: Mapping[str, str] | None = None
    """The name under which each value was given, where that says more than the origin."""

    def origin_of(self, name: str) -> str:
        """Where the value of `name` was written."""
        return self.origin if self.names is None else self.names.get(name, self.origin)


class Config:
    """All settings, final.  Attributes are the settings' names.

    Hot code copies what it needs when it is made and never reads this again.
    """

    __slots__ = ("_implied", "_origins", "_table", "_values")

    def __init__(
        self,
        values: Mapping[str, object],
        origins: Mapping[str, str],
        implied: Iterable[str] = (),
        table: SettingsTable | None = None,
    ) -> None:
        """`origins` has the origins of values that are not the defaults.  The table has the
        defaults of settings without a value here, which are those of plugins that are off."""
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_origins", dict(origins))
        object.__setattr__(self, "_implied", frozenset(implied))

    def __getattr__(self, name: str) -> Any:  # Any: each setting has a type of its own
        values: dict[str, object] = object.__getattribute__(self, "_values")
        if name in values:
            return values[name]
        try:
            return object.__getattribute__(self, "_default_of")(name)
        except KeyError:
            problem = "is not a setting"
            if name in self:
                problem = "has a plugin that cannot be loaded (hookserve --check-config says why)"
            raise AttributeError(f"'{name}' {problem}") from None

    def _default_of(self, name: str) -> object:
        """That of a setting without a value; raises KeyError."""
        if self._table is None or name not in self._table:
            raise KeyError(name)
        return self._table.default(name)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(
            "the configuration is final; change it in on_starting's sources instead"
        )

    def __contains__(self, name: str) -> bool:
        return name in self._values or (self._table is not None and name in self._table)

    def __iter__(self) -> Iterator[str]:
        others = () if self._table is None else self._table.names()
        return iter(dict.fromkeys([*self._values, *others]))

    def value(self, setting: Setting[T]) -> T:
        """The value of a setting, with its type; raises AttributeError when its plugin is not
        loaded.  The attribute of its name is the same, without a type.
        """
        found: T = getattr(self, setting.name)
        return found

    def get(self, name: str, default: object = None) -> Any:  # Any: as for attributes
        """The value, or `default` when no such setting exists (its plugin is not loaded)."""
        if name in self._values:
            return self._values[name]
        try:
            return self._default_of(name)
        except KeyError:
            return default

    def origin(self, name: str) -> str:
        """Where the value came from: ``default``, a file's name, a variable, ``command line``."""
        return str(self._origins.get(name, _DEFAULT))

    def is_default(self, name: str) -> bool:
        """Whether the setting has its default: no source gives a value, no other setting does."""
        return self.origin(name) == _DEFAULT

    def was_given(self, name: str) -> bool:
        """Whether a source gives the setting a value; one that another setting implies does not
        count."""
        return not self.is_default(name) and name not in self._implied


def resolve(table: SettingsTable, sources: Iterable[SettingsSource]) -> Config:
    """The configuration that the sources make, a later one winning over an earlier one; what the
    values imply comes after all of them.

    Raises ConfigError naming setting, source, what was expected and what was given.
    """
    given: dict[str, object] = {}
    origins: dict[str, str] = {}
    for source in sources:
        for name, raw in source.values.items():
            if raw is not None:  # a Python file's way to say nothing
                given[name] = convert(table[name], raw, source.origin_of(name))
                origins[name] = source.origin_of(name)
    # Now the plugins that are used are in the table.
    values = {declared.setting.name: declared.setting.default for declared in table} | given
    implied_names = []
    waiting = list(table)
    for declared in waiting:
        name = declared.setting.name
        implied = declared.setting.implies.get(str(values[name]), {})
        for other, raw in implied.items():
            if other in table and other not in origins:
                origins[other] = f"{name}={values[name]}"
                implied_names.append(other)
                values[other] = convert(table[other], raw, origins[other])
                waiting.append(table[other])  # this value may imply others, whichever came first
    return Config(values, origins, implied_names, table)


def derive(table: SettingsTable, config: Config, changes: Iterable[SettingValue]) -> Config:
    """The configuration with other values for some settings; raises ConfigError."""
    values, origins = dict(config._values), dict(config._origins)
    for name, raw, origin in changes:
        if raw is None:
            values[name] = table[name].setting.default
            origins.pop(name, None)
        else:
            values[name], origins[name] = convert(table[name], raw, origin), origin
    implied = [name for name in values if not config.was_given(name)]
    return Config(values, origins, implied, table)


def convert(declared: Declared, raw: object, origin: str) -> object:
    """A raw value as the setting's own type; raises ConfigError."""
    try:
        return declared.setting.kind(raw)
    except (ValueError, TypeError) as error:
        text = explain_rejected(error, raw)
        raise ConfigError(f"{declared.setting.name} ({origin}): {text}") from None
    except Exception as error:  # a plugin's kind may raise anything
        raise ConfigError(
            f"{declared.setting.name} ({origin}): its kind raised {describe(error)} for"
            f" {shown(raw)} (mend the plugin '{declared.owner}')"
        ) from error
