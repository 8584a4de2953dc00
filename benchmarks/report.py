"""Turns into figures: medians, spreads, ratios; and tables of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.turns import Turn

_BUSY = 0.95
"""A client that has this part of its processor at least is what bounds the rate."""


@dataclass(frozen=True, slots=True)
class Row:
    """A server's medians; CPU in microseconds for each request, times in milliseconds."""

    name: str
    flaw: str = ""
    """Why it was not timed, that it is wrong or not there; all else is then zero."""
    cpu: float = 0.0
    user: float = 0.0
    system: float = 0.0
    rate: float = 0.0
    p50: float = 0.0
    """0, as the others: not known."""
    p99: float = 0.0
    p999: float = 0.0
    memory: float = 0.0
    start: float = 0.0
    spread: float = 0.0
    """(largest - smallest) / median of the CPU per request."""
    client_busy: float = 0.0
    calls: float | None = None
    instructions: float | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours to theirs: the median of the rounds, the smallest and the largest.

    Two turns that follow each other meet the same machine.  On a busy one the median of their
    ratios strays half as far as the ratio of the medians does.
    """

    value: float
    low: float
    high: float


def summarise(name: str, turns: Sequence[Turn] | str) -> Row:
    """The medians of some turns, or the flaw in their place."""
    if isinstance(turns, str):
        return Row(name, flaw=turns)
    costs = [turn.cpu for turn in turns]
    return Row(
        name=name,
        cpu=median(costs) * 1e6,
        user=median(turn.user for turn in turns) * 1e6,
        system=median(turn.system for turn in turns) * 1e6,
        rate=median(turn.rate for turn in turns),
        p50=median(turn.p50 for turn in turns) * 1e3,
        p99=median(turn.p99 for turn in turns) * 1e3,
        p999=median(turn.p999 for turn in turns) * 1e3,
        memory=median(turn.memory for turn in turns),
        start=median(turn.start for turn in turns) * 1e3,
        spread=(max(costs) - min(costs)) / median(costs),
        client_busy=median(turn.client_busy for turn in turns),
        calls=turns[-1].calls,
        instructions=turns[-1].instructions,
    )


def ratio_of(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Of two figures that were taken in turns."""
    rounds = [mine / yours for mine, yours in zip(ours, theirs, strict=True)]
    return Ratio(median(rounds), min(rounds), max(rounds))


def cells(row: Row) -> dict[str, str]:
    """A right row's texts by the heads of their columns; a dash is what was not counted."""
    # As many as the client could ask for: the server had time to spare.
    bound = ">" if row.client_busy >= _BUSY else ""
    return {
        "CPU us": f"{row.cpu:.1f}",
        "user": f"{row.user:.1f}",
        "system": f"{row.system:.1f}",
        "spread": f"{row.spread:.0%}",
        "req/s": f"{bound}{row.rate:.0f}",
        "p50 ms": f"{row.p50:.2f}" if row.p50 else "-",
        "p99 ms": f"{row.p99:.2f}" if row.p99 else "-",
        "p99.9 ms": f"{row.p999:.2f}" if row.p999 else "-",
        "PSS MiB": f"{row.memory:.1f}",
        "start ms": f"{row.start:.0f}",
        "calls": "-" if row.calls is None else f"{row.calls:.2f}",
        "instructions": "-" if row.instructions is None else f"{row.instructions:.0f}",
    }


def grid(rows: Sequence[Row]) -> list[list[str]]:
    """Lines of cells, a head first; without untimed rows, and without what was never counted."""
    texts = {row.name: cells(row) for row in rows if not row.flaw}
    titles = next(iter(texts.values()), {})
    kept = [title for title in titles if any(each[title] != "-" for each in texts.values())]
    lines = ([name, *(each[title] for title in kept)] for name, each in texts.items())
    return [["server", *kept], *lines]


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    lines = grid(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    ]
    return "\n".join([*texts, *(f"{row.name}: {row.flaw}" for row in rows if row.flaw)])
