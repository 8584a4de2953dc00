"""The command: apply the manifests, and have each phase happen to the pods."""

import argparse
import functools
import shlex
import signal
import sys

from tests.cluster.cluster import Shop, kubectl, missing
from tests.cluster.phases import PHASES, Scene
from tests.image.rows import HEAD, run, shown


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("images", nargs=3, metavar="IMAGE", help="two releases, and a broken one")
    parser.add_argument("--prefix", default="", metavar="WORDS", help="to run where Services are")
    options = parser.parse_args()
    if lacking := missing():
        print(f"make cluster: {lacking}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    print(f"{kubectl('version').splitlines()[-1]}\n\n{HEAD}", flush=True)
    with Shop(options.images, shlex.split(options.prefix)) as shop:
        make = functools.partial(Scene, shop)
        rows = [
            shown(run("Kubernetes", phase, act, make, shop.address, shop.prefix), _log(shop))
            for phase, act in PHASES.items()
        ]
    return 1 if any(each.verdict for each in rows) else 0


def _log(shop):
    return functools.partial(shop.kubectl, "get", "pods,events")


if __name__ == "__main__":
    sys.exit(main())
