"""A plugin that makes the arbiter's forks fail for as long as a file exists.

RLIMIT_NPROC, the honest way, does not bind root.
"""

import errno
import os
from pathlib import Path

from hookserve import hookimpl

FLAG = Path(os.environ.get("CHAOS_DIRECTORY", "."), "no-forks")


@hookimpl
def on_starting(server):
    fork = server.processes.fork

    def fork_unless_forbidden():
        if FLAG.exists():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return fork()

    server.processes.fork = fork_unless_forbidden
