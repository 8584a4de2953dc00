"""All that one run found, as it is kept in a file and laid out on a page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any  # what JSON holds

from benchmarks.report import Ratio, Row
from benchmarks.verdicts import Budget, verdict


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of ours beside a peer's."""

    name: str
    what: str
    unit: str
    ours: str
    theirs: str
    our_figure: float
    their_figure: float
    ratio: Ratio
    budget: Budget | None = None
    """Of the ratio."""

    @property
    def verdict(self) -> str:
        return verdict(self.ratio.value, self.budget) if self.budget else "no budget"


@dataclass(frozen=True, slots=True)
class CaseRows:
    """A case's servers."""

    name: str
    title: str
    connections: int
    turns: int
    seconds: int
    rows: list[Row]

    @property
    def heading(self) -> str:
        """The case and how it was measured; of a pair also who took part."""
        names = [row.name for row in self.rows]
        who = f"{' beside '.join(names)}, " if len(names) == 2 else ""
        # Two of the titles say it themselves.
        count = "" if "connections" in self.title else f", {self.connections} connections"
        return f"{who}{self.title}{count}, {self.turns} turns of {self.seconds} s"


@dataclass(slots=True)
class Figures:
    """A run."""

    machine: dict[str, str]
    versions: dict[str, str]
    missing: dict[str, str]
    """Servers that could not be installed, and why."""
    comparisons: list[Comparison] = field(default_factory=list)
    pairs: list[CaseRows] = field(default_factory=list)
    cases: list[CaseRows] = field(default_factory=list)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Figures:
    """What ``save`` wrote."""
    kept = json.loads(path.read_text())
    return Figures(
        kept["machine"],
        kept["versions"],
        kept["missing"],
        [_comparison(each) for each in kept["comparisons"]],
        [_case(each) for each in kept["pairs"]],
        [_case(each) for each in kept["cases"]],
    )


def _comparison(kept: dict[str, Any]) -> Comparison:
    ratio = Ratio(**kept["ratio"])
    budget = Budget(**kept["budget"]) if kept["budget"] else None
    return Comparison(**{**kept, "ratio": ratio, "budget": budget})


def _case(kept: dict[str, Any]) -> CaseRows:
    return CaseRows(**{**kept, "rows": [Row(**row) for row in kept["rows"]]})
