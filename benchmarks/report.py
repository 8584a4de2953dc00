"""Turns into figures: medians, spreads, ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one server."""

    user: float
    """CPU seconds per request, in user mode."""
    system: float
    rate: float
    p50: float
    p99: float
    memory: float
    start: float

    @property
    def cpu(self) -> float:
        return self.user + self.system


@dataclass(frozen=True, slots=True)
class Row:
    """A server's medians."""

    name: str
    cpu: float
    user: float
    system: float
    rate: float
    p50: float
    p99: float
    memory: float
    start: float
    spread: float
    """(largest - smallest) / median of the CPU per request."""


def summarise(name: str, turns: Sequence[Turn]) -> Row:
    """The medians of some turns."""
    costs = [turn.cpu for turn in turns]
    middle = median(costs)
    return Row(
        name=name,
        cpu=middle * 1e6,
        user=median(turn.user for turn in turns) * 1e6,
        system=median(turn.system for turn in turns) * 1e6,
        rate=median(turn.rate for turn in turns),
        p50=median(turn.p50 for turn in turns) * 1e3,
        p99=median(turn.p99 for turn in turns) * 1e3,
        memory=median(turn.memory for turn in turns),
        start=median(turn.start for turn in turns) * 1e3,
        spread=(max(costs) - min(costs)) / middle,
    )


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    head = ("server", "CPU us", "user", "system", "req/s", "p50 ms", "p99 ms", "PSS MiB",
            "start ms", "spread")  # fmt: skip
    cells = [head]
    for row in rows:
        cells.append((row.name, f"{row.cpu:.1f}", f"{row.user:.1f}", f"{row.system:.1f}",
                      f"{row.rate:.0f}", f"{row.p50:.2f}", f"{row.p99:.2f}", f"{row.memory:.1f}",
                      f"{row.start:.0f}", f"{row.spread:.0%}"))  # fmt: skip
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    )
