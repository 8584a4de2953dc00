"""What the arbiter hands a worker across the fork, and what hooks in a worker see of the server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
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
    """The configuration that the worker was forked with."""
    listeners: tuple[str, ...]
    """The addresses that are listened on."""
    log: logging.Logger
    """The error log."""


class WorkerContext(NamedTuple):
    """What the arbiter gives a worker across the fork."""

    server: ServerView
    """What hooks are given as ``server``."""
    index: int  # type: ignore[assignment]  # hides tuple.index, which is not used
    """0..N-1, stable: a replacement has its predecessor's."""
    generation: int
    """The number of the generation that it was forked for."""
    config: Config
    """That generation's configuration."""
    host: PluginHost
    """That generation's plugins."""
    worker_type: WorkerType
    """The chosen model."""
    protocol_classes: Mapping[str, type[Protocol]]
    """By the interface of the applications that it serves."""
    listeners: tuple[Listener, ...]
    """The listeners to accept from."""
    scoreboard: Scoreboard
    """The one that its slot is in."""
    scoreboards: Sequence[Scoreboard]
    """That one first, then those that workers of earlier configurations write to."""
    slot: Slot
    """Its own part of the scoreboard."""
    channel: WorkerEnd
    """Its end of the channel to the arbiter."""
    dump_fd: int
    """Where stacks are dumped to."""
    app: WSGIApplication | None
    """The application when it was preloaded."""
    drop_privileges: Callable[[], None]
    """Become the configured user and group."""
