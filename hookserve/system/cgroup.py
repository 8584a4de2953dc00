"""The control groups of this process (cgroups(7)), of version 2 and 1, and their limits.

A limit of a group holds for all groups below it.  What holds for a process is the least limit from
its own group up to the root of the mount, above which a process sees nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

_V2 = ""
"""Version 2 has one group for all controllers: its name in /proc/self/cgroup."""
_CONTROLLERS = frozenset({"cpu", "memory", "pids"})
"""Of version 1, which has a group for each."""
_UNLIMITED = 1 << 60
"""Bytes; version 1 has a number of about this size where there is no limit."""


class Limit(NamedTuple):
    """The least limit that holds."""

    value: float
    """Bytes, processes, or processors, which may be a fraction."""
    file: str
    """The file that says it, which is of the group or of one above it."""


class ControlGroups:
    """The groups of the process whose folder of proc(5) is given."""

    def __init__(self, proc: str = "/proc/self") -> None:
        self._folders = _find_folders(proc)

    def processors(self) -> Limit | None:
        """How many processors' time it may use; `None`: there is no limit."""
        found = list(self._limits(_V2, _processors, "cpu.max"))
        found += self._limits("cpu", _processors, "cpu.cfs_quota_us", "cpu.cfs_period_us")
        return min(found, default=None)

    def memory(self) -> Limit | None:
        """How many bytes it may use: the kernel ends a process of the group for more."""
        found = list(self._limits(_V2, _number, "memory.max"))
        found += self._limits("memory", _number, "memory.limit_in_bytes")
        return min(found, default=None)

    def slow_memory(self) -> Limit | None:
        """How many bytes it may use before the kernel slows its processes down."""
        return min(self._limits(_V2, _number, "memory.high"), default=None)

    def processes(self) -> Limit | None:
        """How many processes and threads it may have."""
        found = [
            *self._limits(_V2, _number, "pids.max"),
            *self._limits("pids", _number, "pids.max"),
        ]
        return min(found, default=None)

    def count_kills(self) -> int:
        """How many processes of the group the kernel has ended for lack of memory."""
        for controller, name in (_V2, "memory.events"), ("memory", "memory.oom_control"):
            for folder in self._folders.get(controller, ()):
                text = _read(f"{folder}/{name}")
                if text:  # the nearest group that counts
                    return _count_kills(text)
        return 0

    def _limits(
        self, controller: str, parse: Callable[[str], float | None], *names: str
    ) -> Iterator[Limit]:
        """Those that the files of these names set, of the group and of each above it."""
        for folder in self._folders.get(controller, ()):
            value = parse(" ".join(_read(f"{folder}/{name}") for name in names))
            if value is not None:
                yield Limit(value, f"{folder}/{names[0]}")


def _find_folders(proc: str) -> dict[str, list[str]]:
    """By controller, the folders of the process's group and of each above it, the nearest first."""
    paths: dict[str, str] = {}
    for line in _read(f"{proc}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    found: dict[str, list[str]] = {}
    for line in _read(f"{proc}/mountinfo").splitlines():
        for controller in _controllers(line):
            root, point = line.split(" ")[3:5]
            inside = _inside(paths.get(controller, "/"), root)
            # A later mount may be on top of an earlier one.
            if inside is not None or controller not in found:
                found[controller] = _upwards(point, inside or "")
    return found


def _controllers(line: str) -> list[str]:
    """Those of a mount, as proc(5) describes it: none where it is of no control groups."""
    kind, *_, options = f"{line.partition(' - ')[2]} ".split(" ", 2)
    if kind == "cgroup2":
        return [_V2]
    if kind != "cgroup":
        return []
    return [each for each in options.strip().split(",") if each in _CONTROLLERS]


def _inside(path: str, root: str) -> str | None:
    """The path of a group below the root of a mount; `None` for one that is not below it."""
    root = root.rstrip("/")
    if not f"{path}/".startswith(f"{root}/") or ".." in path.split("/"):
        return None  # as of a container that sees the host's paths, and its own group alone
    return path[len(root) :].strip("/")


def _upwards(point: str, path: str) -> list[str]:
    """The folder of that path below a mount point, and those above it down to the mount point."""
    names = path.split("/") if path else []
    return ["/".join([point, *names[:count]]) for count in range(len(names), -1, -1)]


def _processors(text: str) -> float | None:
    """Of a quota and a period, in microseconds."""
    try:
        quota, period = map(int, text.split())
    except ValueError:  # "max" among others
        return None
    return quota / period if quota > 0 and period > 0 else None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and int(text) < _UNLIMITED else None


def _count_kills(text: str) -> int:
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.isdecimal():
            return int(value)
    return 0


def _read(path: str) -> str:
    """What the file says; nothing where it is not there, or says no text."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return ""
