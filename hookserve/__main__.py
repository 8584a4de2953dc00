"""``python -m hookserve`` and the ``hookserve`` command."""

import sys

from hookserve.cli import main

if __name__ == "__main__":
    sys.exit(main())
