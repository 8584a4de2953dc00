"""The command: each phase behind each load balancer; a table as it comes, and in a file."""

import argparse
import itertools
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.roll import report
from tests.roll.ansible import lay_out
from tests.roll.hosts import BALANCERS, machines
from tests.roll.manifests import validate
from tests.roll.network import missing, network
from tests.roll.phases import PHASES, SHOP
from tests.roll.roll import row


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.roll", description=__doc__)
    parser.add_argument("--behind", action="append", choices=BALANCERS)
    parser.add_argument("--only", action="append", choices=PHASES, metavar="PHASE")
    parser.add_argument("--minutes", type=float, default=20.0, help="no phase begins later")
    parser.add_argument("--markdown", metavar="FILE", default="build/roll.md")
    parser.add_argument("--logs", metavar="DIRECTORY", help="keep the logs of a phase that fails")
    options = parser.parse_args()
    if lacking := missing():
        print(f"make roll: {lacking}", file=sys.stderr)
        return 2
    print(f"{validate()}\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    end = time.monotonic() + options.minutes * 60
    rows = []
    print(report.HEAD, flush=True)
    for kind in options.behind or BALANCERS:
        for each in _behind(kind, options.only or PHASES, end, options.logs):
            rows.append(each)
            print(report.line(each), flush=True)
    path = Path(options.markdown)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = "\n".join([report.HEAD, *map(report.line, rows), "", report.total(rows), ""])
    path.write_text(table)
    print(report.total(rows))
    return 1 if any(each.verdict for each in rows) else 0


def _end(number, _):
    """What runs in the namespaces is ended: by an exception, which all of it is a context of."""
    sys.exit(128 + number)


def _behind(kind, phases, end, logs):
    """The rows of a load balancer, on hosts of its own."""
    releases = (f"r{number}" for number in itertools.count(1))
    with tempfile.TemporaryDirectory(prefix="roll-") as name, network() as (balancer, hosts):
        folder = Path(name)
        lay_out(folder, {f"r{number}": SHOP for number in range(1, 20)})
        with machines(hosts, folder, kind) as found:
            (found["b"].folder / "shop" / "is-b").touch()
            for phase in phases:
                if time.monotonic() > end:
                    print(f"out of time: {phase} is left out", file=sys.stderr)
                    continue
                each = row(phase, balancer, found, folder, kind, releases)
                if each.verdict and logs:
                    _keep(Path(logs), each, folder, found)
                yield each


def _keep(logs, each, folder, found):
    logs.mkdir(parents=True, exist_ok=True)
    texts = [each.problem, *map(str, each.outcome.failed if each.outcome else ())]
    texts += [path.read_text() for path in folder.glob("*.log")]
    texts += [machine.log for machine in found.values()]
    (logs / f"{each.balancer} {each.phase}.txt").write_text("\n\n".join(texts))


if __name__ == "__main__":
    sys.exit(main())
