"""Which plugins are installed, found without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

from hookserve.plugins.distributions import (
    COMMANDS_GROUP,
    GROUP,
    ON_DEMAND,
    SETTINGS_GROUP,
    VARIABLES_GROUP,
    Distribution,
    entry_points,
    find_distribution,
    normalized,
)

_OWN_PREFIX = "hookserve-"
_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?"
)
_FLOOR = re.compile(r">=\s*([0-9][0-9.]*)")


class Candidate:
    """An installed plugin, not yet imported."""

    def __init__(self, name: str, value: str, owner: Distribution) -> None:
        self.name = name
        self.value = value
        """What the entry point names: ``module``, or ``module:object``."""
        self.module, _, self.attribute = value.partition("[")[0].replace(" ", "").partition(":")
        self.owner = owner
        """The distribution that brings it."""

    @property
    def settings(self) -> Sequence[str]:
        """The settings by which it is found while it is not loaded."""
        return self.owner.names(SETTINGS_GROUP, self.value)

    @property
    def commands(self) -> Sequence[str]:
        """The commands by which it is found while it is not loaded."""
        return self.owner.names(COMMANDS_GROUP, self.value)

    @property
    def variables(self) -> Sequence[str]:
        """The variables of others that give one of its settings (the hook of this name)."""
        return self.owner.names(VARIABLES_GROUP, self.value)

    @property
    def is_on_demand(self) -> bool:
        """Whether it need not be loaded before one of its settings or commands is used."""
        return bool(self.settings or self.commands)

    def place(self) -> tuple[str, bool, str]:
        """By which they are sorted: by name; of two with one name the bundled one is first."""
        return self.name, not self.is_bundled, self.owner.key

    @property
    def distribution(self) -> str:
        """The name of the distribution that brings it."""
        return (self.owner.fields["Name"] or ["?"])[0]

    @property
    def version(self) -> str:
        """The distribution's version."""
        return (self.owner.fields["Version"] or ["?"])[0]

    @property
    def is_bundled(self) -> bool:
        """Whether it comes in hookserve's own distribution."""
        return self.owner.key == "hookserve"

    def is_called(self, name: str) -> bool:
        """Whether `name` is its entry point, module or distribution."""
        return name in (self.name, self.module) or (
            not self.is_bundled and normalized(name) == self.owner.key
        )

    def missing_requirements(self) -> list[str]:
        """What its distribution needs and the environment lacks, as arguments for pip.

        Extras and requirements with environment markers are skipped, and only lower bounds are
        compared: the installer knows the rest, this is for a clear message.
        """
        if self.is_bundled:
            return []  # this runs, so they are there
        return list(_missing(self.owner.fields["Requires-Dist"]))


def discover() -> list[Candidate]:
    """The installed plugins, in order."""
    found = (Candidate(*each) for each in entry_points())
    return sorted(found, key=Candidate.place)


def published() -> dict[str, str]:
    """The plugins that the project publishes apart from its own distribution, by name, each with
    its distribution: hookserve's own metadata has an extra for each."""
    own = find_distribution("hookserve")
    found = {}
    for requirement in [] if own is None else own.fields["Requires-Dist"]:
        match = _REQUIREMENT.match(requirement)
        if match and match[3] and match[1].startswith(_OWN_PREFIX):
            found[match[1].removeprefix(_OWN_PREFIX)] = match[1]
    return found


def published_settings() -> dict[str, str]:
    """The settings of plugins that the project publishes apart, by name, each with its
    distribution: hookserve's own metadata has them in a group of entry points."""
    own = find_distribution("hookserve")
    if own is None:
        return {}
    bundled = {value for _, value in own.entry_points(GROUP)}
    found = own.entry_points(SETTINGS_GROUP)
    return {name: normalized(module) for name, module in found if module not in bundled}


def misnamed(
    candidates: Iterable[Candidate], unwanted: Collection[Candidate | None] = ()
) -> Iterator[str]:
    """A line for each setting and command that a distribution names for what is no plugin of its,
    but of those whose plugins are all unwanted.

    hookserve's own distribution names settings of others (`published_settings`).
    """
    known: dict[Distribution, set[str]] = {}
    for each in candidates:
        if not each.is_bundled:
            known.setdefault(each.owner, set()).add(each.value)
    wanted = {each.owner for each in candidates if each not in unwanted}
    for owner, values in known.items():
        if owner not in wanted:
            continue
        for group in ON_DEMAND:
            wrong = [each for each in owner.entry_points(group) if each[1] not in values]
            for name, value in wrong:
                yield (
                    f"the distribution {owner.key} names '{name}' in [{group}] for {value},"
                    f" where it has the plugins {', '.join(sorted(values))}"
                )


@cache
def _installed_version(name: str) -> str | None:
    """The version of an installed distribution; `None` when it is not there."""
    found = find_distribution(name)
    return None if found is None else (found.fields["Version"] or ["0"])[0]


def _missing(requirements: Iterable[str]) -> Iterator[str]:
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None or match[3]:
            continue
        name, specifier = match[1], match[2].strip()
        if normalized(name) == "hookserve":
            continue
        installed = _installed_version(normalized(name))
        floor = _FLOOR.search(specifier)
        if installed is None or (floor and _numbers(installed) < _numbers(floor[1])):
            yield f"{name}{specifier}".replace(" ", "")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:4]]
