"""The command: every model under every attack, one after another; the table as it comes."""

import argparse
import sys
from itertools import product

from tests.hostile import report, scene
from tests.support.tables import conclude


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--model", action="append", choices=scene.MODELS)
    parser.add_argument("--attack", action="append", choices=scene.NAMES)
    parser.add_argument("--seconds", type=int, default=10, help="of each attack")
    parser.add_argument("--turns", type=int, default=3, help="of each that is over the limit")
    parser.add_argument("--markdown", metavar="FILE", default="build/hostile.md")
    options = parser.parse_args()
    scene.raise_limit()
    found = []
    print(report.HEAD)
    for attack, model in product(options.attack or scene.NAMES, options.model or scene.MODELS):
        if not scene.concerns(attack, model):
            continue
        if not scene.can_run(attack):
            print(f"{attack} is left out: it needs slowhttptest, or more descriptors")
            continue
        found.append(scene.run_in_turns(model, attack, options.seconds, options.turns))
        print(report.row(found[-1]), flush=True)
    text = report.markdown(found, options.seconds)
    return conclude(found, "attack", options.markdown, text)


if __name__ == "__main__":
    sys.exit(main())
