"""A plugin that makes the arbiter's forks fail for as long as a file exists.

RLIMIT_NPROC, the honest way, does not bind root.
"""

import errno
import os
from pathlib import Path

from hookserve import hookimpl
from hookserve.arbiter import child, reexec, upgrade
from hookserve.system import calls

FLAG = Path(os.environ.get("CHAOS_DIRECTORY", "."), "no-forks")


@hookimpl
def on_starting(server):
    for module in (child, upgrade, reexec):
        module.fork = _fork


def _fork():
    if FLAG.exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return calls.fork()
