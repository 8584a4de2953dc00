"""``python -m hookserve`` and the ``hookserve`` command."""

import gc
import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    from hookserve.system.streams import open_standard_streams

    open_standard_streams()
    # The objects of a start live as long as the process: the collector would take a tenth of the
    # start and free nothing.  `freeze_memory` switches it on, before the first fork.
    gc.disable()
    from hookserve.cli.main import main as run

    return run()


if __name__ == "__main__":
    # python -m puts the working directory first, where anyone may have left a module or a plugin.
    # The command does not; the application's directory is added when it is known.
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.exit(main())
