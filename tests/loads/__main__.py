"""The command: each load on a server of its own, one worker; a table."""

import argparse
import sys

from tests.loads.loads import LOADS, server


def least(load, turns):
    """The least figure of so many turns, or the first below the limit: the machine may have other
    things to do."""
    figures = []
    while not figures or (len(figures) < turns and figures[-1] >= load.limit):
        with server() as running:
            figures.append(load.measure(running, load.size))
    return min(figures)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.loads", description=__doc__)
    parser.add_argument("--only", action="append", choices=LOADS, metavar="LOAD")
    parser.add_argument("--turns", type=int, default=3, help="of each that is over its limit")
    options = parser.parse_args()
    over_limit = []
    print("| load | size | measured | limit |\n|---|--:|--:|--:|", flush=True)
    for name in options.only or LOADS:
        load = LOADS[name]
        figure = least(load, options.turns)
        is_within = figure < load.limit
        shown = f"{figure:.2f}" if is_within else f"**{figure:.2f}**"
        print(f"| {name} | {load.size:,} | {shown} {load.unit} | {load.limit:g} |", flush=True)
        if not is_within:
            over_limit.append(name)
    print(*(f"over the limit: {name}" for name in over_limit), sep="\n", file=sys.stderr, end="")
    return 1 if over_limit else 0


if __name__ == "__main__":
    sys.exit(main())
