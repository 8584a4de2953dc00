"""The command: every pair and every case, in turns within one run; writes the page about it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import environments, load, machine, measure, page, report, servers, turns
from benchmarks.figures import CaseRows, Comparison, Figures
from benchmarks.matrix import MATRIX, PAIRS, STARTUP

NAMES = [pair.name for pair in PAIRS] + [STARTUP.name] + [case.name for case, _ in MATRIX]
FIGURES = Path("build/bench.json")
PAIR_TURNS, PAIR_SECONDS = 7, 2
CASE_TURNS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=NAMES,
        metavar="NAME",
        help=f"measure this alone; repeatable; of {', '.join(NAMES)}",
    )
    parser.add_argument("--turns", type=int, help="of each server")
    parser.add_argument("--seconds", type=int, help="of load in a turn")
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help=f"where to keep the figures [of everything: {FIGURES}]",
    )
    options = parser.parse_args()
    began = time.monotonic()
    try:
        figures = run(options.only or NAMES, options.turns, options.seconds)
    except (environments.EnvironmentsError, *turns.FLAWS) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    figures.machine["the whole run"] = f"{(time.monotonic() - began) / 60:.0f} minutes"
    if options.json or not options.only:
        figures.save(options.json or FIGURES)
    if not options.only:
        page.write(figures)
        print(f"\n{page.PAGE.relative_to(environments.ROOT)} is written anew")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    return 0


def run(names: list[str], rounds: int | None, seconds: int | None) -> Figures:
    """Measures what is named, and says so as it goes."""
    servers.raise_limit()
    load.require()
    missing = environments.install()
    figures = Figures(machine.describe(), environments.versions(), missing)
    for pair in PAIRS:
        if pair.name in names:
            found, comparison = measure.pair(
                pair, rounds or PAIR_TURNS, seconds or PAIR_SECONDS, missing
            )
            figures.pairs.append(found)
            show(found)
            if comparison:
                figures.comparisons.append(comparison)
                show_comparison(comparison)
    if STARTUP.name in names:
        for comparison in measure.startup():
            figures.comparisons.append(comparison)
            show_comparison(comparison)
    for case, contenders in MATRIX:
        if case.name in names:
            found, _ = measure.rows(
                contenders, case, rounds or CASE_TURNS, seconds or case.seconds, missing
            )
            figures.cases.append(found)
            show(found)
    return figures


def show(found: CaseRows) -> None:
    print(f"\n{found.heading}\n{report.table(found.rows)}", flush=True)


def show_comparison(found: Comparison) -> None:
    print(
        f"{found.name}, {found.what}: {found.our_figure:.1f} to {found.their_figure:.1f}"
        f" {found.unit}, {found.ratio.value:.3f} of the peer's ({found.ratio.low:.3f} to"
        f" {found.ratio.high:.3f}); {found.verdict}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
