"""Which plugins are installed, found without importing any of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from typing import TYPE_CHECKING, Protocol

import importlib_metadata

if TYPE_CHECKING:
    from importlib_metadata import EntryPoint

GROUP = "hookserve"

OFFICIAL_WORKERS = ("epoll", "eventlet", "gevent", "gthread", "sync", "tornado")
"""The models that the project publishes; ``NAME`` is in the distribution ``hookserve-NAME``
unless it is bundled.  Only used to suggest what to install."""

BUNDLED_WORKERS = ("epoll", "gthread", "sync")
"""Those of them that come with hookserve itself."""

_REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(?:;(.*))?"
)
_FLOOR = re.compile(r">=\s*([0-9][0-9.]*)")


class _Readable(Protocol):
    """What is needed of a distribution."""

    def read_text(self, filename: str) -> str | None:
        """A file of the distribution's metadata."""


class Candidate:
    """An installed plugin, not yet imported."""

    def __init__(self, entry_point: EntryPoint) -> None:
        self.entry_point = entry_point
        self.name = entry_point.name
        self.module = entry_point.value.partition(":")[0]
        """The plugin module's dotted name."""

    @cached_property
    def metadata(self) -> dict[str, list[str]]:
        """The fields of the distribution's core metadata that matter here.

        Scanned by hand: parsing the whole file as an e-mail message takes milliseconds for
        each distribution, and listing fifty plugins has a budget.
        """
        return _fields(self.entry_point.dist)

    @property
    def distribution(self) -> str:
        """The name of the distribution that brings it."""
        return (self.metadata["Name"] or ["?"])[0]

    @property
    def version(self) -> str:
        """The distribution's version."""
        return (self.metadata["Version"] or ["?"])[0]

    @property
    def is_bundled(self) -> bool:
        """Whether it comes in hookserve's own distribution."""
        return normalized(self.distribution) == "hookserve"

    def answers_to(self, name: str) -> bool:
        """Whether `name` is its entry point, module or distribution."""
        return name in (self.name, self.module) or (
            not self.is_bundled and normalized(name) == normalized(self.distribution)
        )

    def missing_requirements(self) -> list[str]:
        """What its distribution needs and the environment lacks, as arguments for pip.

        Extras and requirements with environment markers are passed over, and only lower bounds
        are compared: the installer knows the rest, this is for a clear message.
        """
        return list(_missing(self.metadata["Requires-Dist"]))


def discover() -> list[Candidate]:
    """The installed plugins, sorted by name."""
    found = importlib_metadata.entry_points(group=GROUP)
    return sorted((Candidate(each) for each in found), key=lambda candidate: candidate.name)


def _fields(dist: _Readable | None) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {"Name": [], "Version": [], "Requires-Dist": []}
    if dist is None:
        return fields
    text = dist.read_text("METADATA") or dist.read_text("PKG-INFO") or ""
    for line in text.splitlines():
        if not line:
            break
        name, _, value = line.partition(": ")
        if name in fields:
            fields[name].append(value.strip())
    return fields


@cache
def _installed_version(name: str) -> str | None:
    """The version of an installed distribution; `None` when it is not there."""
    try:
        found = _fields(importlib_metadata.distribution(name))["Version"]
    except importlib_metadata.PackageNotFoundError:
        return None
    return found[0] if found else "0"


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


def normalized(name: str) -> str:
    """A distribution's name as package indexes compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` probably meant."""
    import difflib

    matches = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A phrase for an error message, with the nearest match when there is one."""
    match = nearest(name, known)
    return f" (did you mean '{match}'?)" if match else ""
