"""``python -m hookserve`` and the ``hookserve`` command."""

import gc
import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    # The objects of a start live as long as the process: the collector would take a tenth of the
    # start and free nothing.  `settle_memory` switches it on, before the first fork.
    gc.disable()
    from hookserve.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
