"""Whether a figure is within its budget."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """What a ratio, ours to a peer's, may be."""

    at_most: float
    aim: float | None = None


def verdict(ratio: float, budget: Budget) -> str:
    """``over budget``, ``within budget`` or ``meets the aim``."""
    if ratio > budget.at_most:
        return "over budget"
    if budget.aim is not None and ratio <= budget.aim:
        return "meets the aim"
    return "within budget"
