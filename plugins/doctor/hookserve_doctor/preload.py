"""What an application that is preloaded leaves open: a fork copies sockets, and no threads.

A thread that runs before the fork does not run in any worker; a connection that is open is shared
by all of them, and what they write to it is mixed up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve import Diagnosis
from hookserve_doctor.loading import NotLoaded, load_in_child

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost


def check_preload(config: Config, host: PluginHost) -> Iterator[Diagnosis]:
    """Load the application in a child process, and see what it leaves; with `preload_app` alone."""
    if not config.preload_app:
        return
    try:
        found = load_in_child(config, host)
    except NotLoaded as error:
        yield Diagnosis("warning", "preload", f"the application {error}", error.remedy)
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
