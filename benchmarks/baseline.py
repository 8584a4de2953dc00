"""Ratios that were recorded, and whether today's have lost against them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

LOSS = 0.15
"""What is a loss: so much more CPU in relation to the peer, or more."""


class BaselineError(Exception):
    """There is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row."""

    name: str
    recorded: float
    ratio: float | None
    """None: ours or the peer answered wrongly."""
    is_repeated: bool

    @property
    def is_lost(self) -> bool:
        return has_lost(self.ratio, self.recorded)

    def __str__(self) -> str:
        if self.ratio is None:
            return f"{self.name}: cannot be compared"
        change = self.ratio / self.recorded - 1
        text = f"{self.name}: {self.ratio:.3f}, was {self.recorded:.3f}, {change:+.0%}"
        return text + (", measured twice" if self.is_repeated else "")


def has_lost(ratio: float | None, recorded: float) -> bool:
    """Whether a ratio is worse than the recorded one by LOSS or more."""
    # Rounded, for 0.23 / 0.2 - 1 is a little less than 0.15.
    return ratio is None or round(ratio / recorded - 1, 9) >= LOSS


def compare(
    names: Iterable[str],
    recorded: Mapping[str, float],
    measure: Callable[[str, bool], float | None],
) -> Iterable[Outcome]:
    """Each row's outcome, as soon as it is known.

    ``measure`` takes a row's name and whether it is measured again, with more turns.  A row that
    has lost is, once: then only the second ratio counts.
    """
    for name in names:
        if name not in recorded:
            raise BaselineError(f"no ratio of {name} is recorded (--record writes them)")
        ratio = measure(name, False)
        is_repeated = has_lost(ratio, recorded[name])
        if is_repeated:
            ratio = measure(name, True)
        yield Outcome(name, recorded[name], ratio, is_repeated)


def read(path: Path) -> dict[str, float]:
    """The recorded ratios; raises BaselineError."""
    if not path.exists():
        raise BaselineError(f"{path.name} does not exist (--record writes it)")
    kept: dict[str, float] = json.loads(path.read_text())["ratios"]
    return kept


def write(path: Path, ratios: Mapping[str, float], machine: Mapping[str, str]) -> None:
    """The ratios, and what they were taken on."""
    rounded = {name: round(ratio, 3) for name, ratio in ratios.items()}
    path.write_text(json.dumps({"ratios": rounded, "machine": dict(machine)}, indent=2) + "\n")
