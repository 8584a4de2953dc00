"""The command: all cells, one after another; a table as they come, and as Markdown at the end."""

import argparse
import sys
import time
from itertools import product
from pathlib import Path

from tests.chaos import cells, report
from tests.chaos.faults import FAULTS
from tests.chaos.scene import MODELS
from tests.support.tables import conclude


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--fault", action="append", choices=FAULTS)
    parser.add_argument("--requests", type=int, default=20000, help="at least, in each cell")
    parser.add_argument("--minutes", type=float, default=40.0, help="no cell begins later")
    parser.add_argument("--markdown", metavar="FILE", default="build/chaos.md")
    parser.add_argument("--logs", metavar="DIRECTORY", help="keep the server's log of each cell")
    options = parser.parse_args()
    began = time.monotonic()
    found = []
    print(report.HEAD)
    for name, model in product(options.fault or FAULTS, options.model or MODELS):
        if time.monotonic() - began > options.minutes * 60:
            print("out of time: the other cells are left out", file=sys.stderr)
            break
        found.append(cells.run(model, name, options.requests))
        print(report.row(found[-1]), flush=True)
        if options.logs:
            report.keep_log(Path(options.logs), found[-1])
    text = report.markdown(found, time.monotonic() - began)
    return conclude(found, "fault", options.markdown, text)


if __name__ == "__main__":
    sys.exit(main())
