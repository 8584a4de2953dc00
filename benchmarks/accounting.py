"""What a group of processes has cost, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor time in seconds."""

    user: float
    system: float

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.user - other.user, self.system - other.system)

    @property
    def total(self) -> float:
        return self.user + self.system


def parse_stat(text: str) -> tuple[int, int, int, int, int]:
    """Parent, and user, system, waited-for user and system ticks, of /proc/PID/stat (proc(5))."""
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), *(int(each) for each in fields[11:15])


def tree_of(root: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, int] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                parents[int(path.name)] = parse_stat((path / "stat").read_text())[0]
            except OSError:
                continue
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def cpu_of(root: int) -> Cpu:
    """What the tree has used, children that ended included."""
    user = system = 0
    for pid in tree_of(root):
        try:
            _, *ticks = parse_stat(Path(f"/proc/{pid}/stat").read_text())
        except OSError:
            continue
        user += ticks[0] + ticks[2]
        system += ticks[1] + ticks[3]
    return Cpu(user / TICK, system / TICK)


def run_time_of(pids: Iterable[int]) -> float:
    """Seconds on a processor, to the microsecond, of processes with one thread each (proc(5))."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


def reads_of(pids: Iterable[int]) -> int:
    """How often the processes have called read(2) and its like."""
    texts = [Path(f"/proc/{pid}/io").read_text() for pid in pids]
    return sum(int(text.partition("syscr: ")[2].split()[0]) for text in texts)


def memory_of(root: int) -> float:
    """The tree's proportional set size in MiB."""
    total = 0
    for pid in tree_of(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024
