"""A plugin that makes the arbiter's forks fail for as long as a file exists.

RLIMIT_NPROC, the honest way, does not bind root.
"""

import errno
import os
from pathlib import Path

from hookserve import hookimpl, system
from hookserve.process import rebirth, spawner, upgrade

FLAG = Path(os.environ.get("CHAOS_DIRECTORY", "."), "no-forks")


@hookimpl
def on_starting(server):
    for module in (spawner, upgrade, rebirth):
        module.fork = _fork


def _fork():
    if FLAG.exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return system.fork()
