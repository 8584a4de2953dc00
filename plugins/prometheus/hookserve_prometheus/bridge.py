"""What applications measure with prometheus_client, from all workers.

prometheus_client has a multiprocess mode for that: each process writes to files of its own, and
who is scraped adds them up.  Here a process is known by a number that is used again
(`hookserve_prometheus.process_numbers`), so the files are as many as processes run at once.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve.errors import ConfigError
from hookserve_prometheus import directory
from hookserve_prometheus.process_numbers import ProcessNumbers

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.server import Server


class Bridge:
    """Prepares prometheus_client for the application of one configuration."""

    def __init__(self, config: Config) -> None:
        """In the arbiter; raises ConfigError."""
        if find_spec("prometheus_client") is None:
            raise ConfigError(
                "prometheus_client is not installed (pip install hookserve[prometheus])"
            )
        named = directory.find_named(os.environ, config.raw_env)
        self.directory = directory.open_directory(named, config.user)
        self._arbiter = os.getpid()
        os.environ[directory.VARIABLE] = self.directory

    @hookimpl(tryfirst=True)
    def load_app(self) -> None:
        """In the process that imports the application, before that."""
        from prometheus_client import values

        is_arbiter = os.getpid() == self._arbiter  # with preload_app
        numbers = ProcessNumbers(self.directory, "arbiter" if is_arbiter else "")
        values.ValueClass = values.MultiProcessValue(numbers)

    @hookimpl
    def pre_exec(self, server: Server) -> None:
        """After a re-exec the counters go on; a successor has a directory of its own."""
        server.environ[directory.HANDED_ON] = directory.describe_own()
