"""The command: a line every half minute; fails where the files or the scrape grow."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.scrape.recycling import faults, load, looks, running


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.scrape", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=48)
    parser.add_argument("--max-requests", type=int, default=500, help="of a worker")
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between two lines")
    parser.add_argument("--clients", type=int, default=96, help="requests at once")
    options = parser.parse_args()
    count = max(3, round(60 * options.minutes / options.interval) + 1)
    found = []
    print("| seconds | files | KiB | scrape, ms | requests | workers gone |", flush=True)
    print("|--:|--:|--:|--:|--:|--:|", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="hookserve-scrape-", dir=_memory()) as directory,
        running(Path(directory), options.workers, options.max_requests) as server,
        load(server.server.address, options.clients),
    ):
        for each in looks(server, count, options.interval, options.workers):
            found.append(each)
            print(
                f"| {each.seconds:.0f} | {each.files} | {each.size >> 10:,} | {each.scrape:.1f}"
                f" | {each.requests:,} | {each.gone:,} |",
                flush=True,
            )
    wrong = list(faults(found))
    print(*wrong, sep="\n", file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


def _memory():
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    sys.exit(main())
