"""The command line in a process of its own."""

import os
import subprocess
import sys

from support.paths import SUPPORT


def hookserve(*arguments, cwd=SUPPORT, path=None, **environ):
    """Run the command; by default where the applications of the tests are."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("HOOKSERVE")}
    if path is not None:
        variables["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, "-m", "hookserve", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=30,
        env={**variables, **environ},
    )


def last_line(result):
    return result.stderr.strip().splitlines()[-1]
