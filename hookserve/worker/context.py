"""What the arbiter hands a worker across the fork, and what hooks in a worker see of the server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.listeners import Listener
    from hookserve.plugins.host import PluginHost
    from hookserve.protocol.seam import Protocol
    from hookserve.types import WorkerType, WSGIApplication
    from hookserve.worker.channel import WorkerEnd
    from hookserve.worker.scoreboard import Scoreboard, Slot


class ServerView(NamedTuple):
    """What the hooks of a worker process see as ``server``: values, never a copy of the arbiter."""

    pid: int
    """The arbiter's process id."""
    config: Config
    listeners: tuple[str, ...]
    """The addresses that are listened on."""
    log: logging.Logger


class WorkerContext(NamedTuple):
    """What the arbiter gives a worker across the fork."""

    server: ServerView
    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    generation: int
    config: Config
    host: PluginHost
    worker_type: WorkerType
    protocol_classes: Mapping[str, type[Protocol]]
    """By the interface of the applications that it serves."""
    listeners: tuple[Listener, ...]
    scoreboard: Scoreboard
    slot: Slot
    channel: WorkerEnd
    dump_fd: int
    """Where stacks are dumped to."""
    app: WSGIApplication | None
    """The application when it was preloaded."""
    drop_privileges: Callable[[], None]
