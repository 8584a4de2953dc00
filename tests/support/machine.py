"""What a test needs of the machine, beside Python."""

import os
import shutil
import sys


def lacking(programs, packages, rights):
    """What this machine lacks, in one line; empty: it is Linux, we are root, and has the programs.

    `packages` are those of Debian that bring the programs; `rights` is what root is needed for.
    """
    if sys.platform != "linux" or os.geteuid():
        return f"needs Linux, and root ({rights})"
    absent = [each for each in programs if shutil.which(each) is None]
    return f"not installed: {', '.join(absent)} (apt install {packages})" if absent else ""
