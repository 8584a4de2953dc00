"""``python -m hookserve`` and the ``hookserve`` command."""

import gc
import sys


def main() -> int:
    """Run the command line; answers the exit code."""
    # What a start makes it keeps: the collector would spend a tenth of its time and find nothing.
    # `settle_memory` switches it on, before the first fork.
    gc.disable()
    from hookserve.cli.main import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
