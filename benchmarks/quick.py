"""Whether hookserve has become slower: ``python -m benchmarks.quick``, under three minutes.

A few pairs in short turns, their ratios beside the recorded ones.  A row that has lost 15 % or more
is measured again with more turns before it counts; then the command fails and names it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import baseline, environments, load, machine, measure, report, servers, turns
from benchmarks.matrix import QUICK

BASELINE = Path(__file__).parent / "baseline.json"
TURNS, MORE_TURNS = 3, 7


def main() -> int:
    names = [pair.name for pair in QUICK]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quick", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"this row alone; repeatable; of {', '.join(names)}",
    )
    parser.add_argument("--record", action="store_true", help="write the ratios of now down")
    options = parser.parse_args()
    servers.raise_limit()
    try:
        load.require()
        quick = Quick(environments.install())
        if options.record:
            return quick.record(options.only or names)
        return quick.compare(options.only or names)
    except (environments.EnvironmentsError, baseline.BaselineError, *turns.FLAWS) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1


class Quick:
    """The rows, measured."""

    def __init__(self, missing: dict[str, str]) -> None:
        self._missing = missing
        self._pairs = {pair.name: pair for pair in QUICK}

    def compare(self, names: list[str]) -> int:
        """1 when a row has lost."""
        recorded = baseline.read(BASELINE)
        lost = []
        print(
            f"CPU per request in relation to a peer's, medians of {TURNS} rounds of 1 s;"
            f" {baseline.LOSS:.0%} more than recorded, twice, is a loss"
        )
        for outcome in baseline.compare(names, recorded, self._ratio):
            print(f"{'LOST' if outcome.is_lost else 'ok':4}  {outcome}", flush=True)
            if outcome.is_lost:
                lost.append(outcome.name)
        if lost:
            print(f"benchmarks: lost: {', '.join(lost)}", file=sys.stderr)
        return 1 if lost else 0

    def record(self, names: list[str]) -> int:
        """Writes the ratios of these rows, beside those of others that were recorded before."""
        ratios = baseline.read(BASELINE) if BASELINE.exists() else {}
        for name in names:
            ratio = self._ratio(name, True)
            if ratio is None:
                return 1
            ratios[name] = ratio
            print(f"{name}: {ratio:.3f}", flush=True)
        baseline.write(BASELINE, ratios, machine.describe())
        return 0

    def _ratio(self, name: str, is_again: bool) -> float | None:
        rounds = MORE_TURNS if is_again else TURNS
        found, comparison = measure.pair(self._pairs[name], rounds, 1, self._missing, counted=False)
        if comparison is None:
            print(report.table(found.rows), file=sys.stderr)
            return None
        if is_again:
            low, high = comparison.ratio.low, comparison.ratio.high
            print(f"      {name}: {rounds} turns, {low:.3f} to {high:.3f}", flush=True)
        return comparison.ratio.value


if __name__ == "__main__":
    sys.exit(main())
