"""A server as an auxiliary process reads it that TERM ends."""

import time
from types import SimpleNamespace

from hookserve.worker.termination import Termination


class ServerState(SimpleNamespace):
    """It goes on, unless something is changed; the process is of its generation 3."""

    def __init__(self, **changed):
        blank = {
            "is_draining": False,
            "is_stopping": False,
            "generation": 3,
            "reloads_wanted": 0,
            "workers": ["one"],
        }
        super().__init__(**{**blank, **changed})

    def termination(self, clock=time.monotonic):
        return Termination(lambda: self, 3, clock)

    def drain(self):
        """The drain delay begins."""
        self.is_draining = True

    def stop(self):
        """It begins to stop."""
        self.is_draining = self.is_stopping = True
