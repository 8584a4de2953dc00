"""The command: all targets, one after another, then the comparison with others; a table."""

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz import differential, guided, report, targets

COMPARISON = "differential"


def main():
    everything = [*targets.names(), COMPARISON]
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", action="append", choices=everything)
    parser.add_argument("--executions", type=int, default=10_000_000, help="at most, of each")
    parser.add_argument("--seconds", type=float, default=240.0, help="at most, of all together")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="default: the time")
    parser.add_argument(
        "--directory",
        type=Path,
        default=Path("build/fuzz"),
        metavar="DIRECTORY",
        help="what was reached is kept here, and what was found",
    )
    parser.add_argument(
        "--replay",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="give these to the one target again, and do nothing else",
    )
    options = parser.parse_args()
    chosen = options.target or everything
    if options.replay:
        return replay(chosen, options.replay)
    print(f"seed {options.seed}\n{report.head()}", flush=True)
    rows = []
    for name in chosen:
        seconds = options.seconds / len(chosen)
        fuzz = differential.fuzz if name == COMPARISON else guided.fuzz
        rows.append(fuzz(name, options.directory, options.executions, seconds, options.seed))
        print(report.line(rows[-1]), flush=True)
    findings = [f"{row.target}: {each}" for row in rows for each in row.findings]
    print(*findings, sep="\n", file=sys.stderr, end="\n" if findings else "")
    return 1 if findings else 0


def replay(chosen, paths):
    """Check what was found before; the first that still fails says how."""
    for path in paths:
        for name in chosen:
            check = differential.check if name == COMPARISON else targets.load(name).check
            check(path.read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
