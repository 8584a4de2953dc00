"""Serve an application that echoes, run Autobahn's suite against it, and print what has passed."""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hookserve.testing import serve
from tests.autobahn import suite

APPLICATION = "tests.autobahn.application:application"


def main():
    """The exit code is 1 unless every case that was asked for has passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.autobahn", description=__doc__)
    parser.add_argument("--python", required=True, help="an interpreter of CPython 2.7")
    parser.add_argument("--library", required=True, type=Path, help="where the suite is installed")
    parser.add_argument("--cases", action="append", help="only those that match, such as 6.4.*")
    parser.add_argument("--reports", type=Path, default=Path("build/autobahn"))
    parser.add_argument("--minutes", type=float, default=60, help="for all of them")
    parser.add_argument("-n", type=int, default=2, metavar="N", help="parts at a time")
    options = parser.parse_args()
    parts = [options.cases] if options.cases else suite.PARTS
    with serve(APPLICATION, worker="asyncio", workers=2) as server:
        results, unfinished = run_parts(server.url.replace("http", "ws", 1), parts, options)
    print(*suite.table(results), *unfinished, sep="\n")
    print(f"the reports are in {options.reports}")
    return 0 if results and not unfinished and all(each.has_passed for each in results) else 1


def run_parts(url, parts, options):
    """The results of all parts, and a line for each that has not come to its end."""
    deadline = time.monotonic() + options.minutes * 60
    library, reports = options.library.resolve(), options.reports.resolve()
    unfinished = []

    def run_part(patterns):
        folder = reports / patterns[0].replace("*", "x")
        left = deadline - time.monotonic()
        try:
            return suite.run(url, patterns, options.python, library, folder, left)
        except subprocess.SubprocessError as error:
            unfinished.append(f"{' '.join(patterns)}: {type(error).__name__}, see {folder}/log")
            return []

    with ThreadPoolExecutor(options.n) as pool:
        found = [each for results in pool.map(run_part, parts) for each in results]
    return sorted(found, key=lambda each: [int(part) for part in each.case.split(".")]), unfinished


if __name__ == "__main__":
    sys.exit(main())
