"""What an application that is preloaded leaves open: a fork copies sockets, and no threads.

A thread that runs before the fork does not run in any worker; a connection that is open is shared
by all of them, and what they write to it is mixed up.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost


def check_preload(config: Config, host: PluginHost) -> Iterator[Diagnosis]:
    """Load the application in a child process, and see what it leaves; with `preload_app` alone."""
    if not config.preload_app:
        return
    found = _inspect_in_child(config, host)
    if "error" in found:
        text = f"the application cannot be loaded: {found['error']}"
        yield Diagnosis("warning", "preload", text, "hookserve --check-config says more")
        return
    for name in found["threads"]:
        remedy = "start it in post_fork or post_worker_init: no worker has it"
        yield Diagnosis("warning", "thread before the fork", name, remedy)
    for name in found["sockets"]:
        remedy = "open it in the worker, or close it before the fork: all workers share it"
        yield Diagnosis("warning", "socket before the fork", name, remedy)
    if not found["threads"] and not found["sockets"]:
        text = "the application starts no thread and opens no socket when it is loaded"
        yield Diagnosis("ok", "preload", text)


def _inspect_in_child(config: Config, host: PluginHost) -> dict[str, list[str]]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            from hookserve_doctor.inspection import inspect_loading

            os.close(reading)
            os.dup2(2, 1)  # what the application prints is no part of the report
            with os.fdopen(writing, "w") as report:
                json.dump(inspect_loading(config, host), report)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as report:
        text = report.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"error": ["its process ended"]}
