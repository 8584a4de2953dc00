"""The command line in a process of its own."""

import os

from support.command_process import processes
from support.paths import SUPPORT

LONGEST = 30
"""Seconds that a command may take."""


def hookserve(*arguments, cwd=SUPPORT, path=None, **environ):
    """Run the command; by default where the applications of the tests are."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith("HOOKSERVE")}
    if path is not None:
        variables["PYTHONPATH"] = str(path)
    return processes().run(arguments, cwd, {**variables, **environ}, LONGEST)


def last_line(result):
    return result.stderr.strip().splitlines()[-1]
