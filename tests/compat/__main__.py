"""Run the cases under gunicorn and hookserve side by side; print a table and a total."""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.compat import corpus, report, scene


def main():
    """The exit code is 1 where a case differs without a line that says so."""
    parser = argparse.ArgumentParser(prog="python -m tests.compat", description=__doc__)
    parser.add_argument("-n", type=int, default=3, metavar="N", help="cases at a time")
    parser.add_argument("--gunicorn", required=True, help="the command of gunicorn's environment")
    parser.add_argument("--case", action="append", help="only those whose name has this in it")
    parser.add_argument("--kind", choices=corpus.KINDS)
    options = parser.parse_args()
    kinds = [options.kind] if options.kind else corpus.KINDS
    cases = [case for kind in kinds for case in corpus.read(kind) if _is_asked(case, options.case)]
    hookserve = [sys.executable, "-m", "hookserve"]
    verdicts = []
    with ThreadPoolExecutor(options.n) as pool:
        run = pool.map(lambda case: scene.run_case(case, [options.gunicorn], hookserve), cases)
        for verdict in run:
            verdicts.append(verdict)
            print(report.row(verdict), flush=True)
    print(report.total(verdicts))
    return 1 if any(verdict.word == "FAILS" for verdict in verdicts) else 0


def _is_asked(case, names):
    return not names or any(name in case.name for name in names)


if __name__ == "__main__":
    sys.exit(main())
