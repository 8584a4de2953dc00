"""The arbiter's side of the status: what the auxiliary process is given."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, cast

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.listeners.queues import describe
from hookserve.system.calls import make_pair
from hookserve.worker.reading import Reader
from hookserve_status.control import ArbiterSide

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve.server import Server

_client_ends: set[socket.socket] = set()
"""Of all configurations, in the arbiter and what it forks."""


class StatusPlugin:
    """The status of one configuration."""

    def __init__(self, config: Config, listeners: PluginListeners) -> None:
        self._config = config
        self._listeners = listeners
        self._client_end: socket.socket | None = None

    @hookimpl
    def auxiliary_processes(self, server: Server) -> list[AuxiliaryProcess]:
        """The process that shows the status: it holds no application, and waits for no worker."""
        self.retired()
        kind = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM)
        # Of the C class: where the arbiter is patched, an object of socket's waits on its hub.
        pair = make_pair(socket.AF_UNIX, kind)
        ours, theirs = cast("tuple[socket.socket, socket.socket]", pair)
        ArbiterSide(server, ours)
        self._client_end = theirs
        _client_ends.add(theirs)
        listening = describe(server.listeners)
        listeners = self._listeners.open(server)

        def run() -> None:
            from hookserve.worker.termination import Termination
            from hookserve_status.control import Client
            from hookserve_status.service import serve
            from hookserve_status.snapshot import Source

            reader = Reader(server.scoreboards)
            source = Source(self._config, server.worker_model, reader, listening)
            termination = Termination(reader.read, server.generation)
            serve(listeners, source, Client(theirs), termination)

        return [AuxiliaryProcess("status", run)]

    @hookimpl
    def post_fork(self) -> None:
        """A worker has no part in this, also of a configuration before."""
        for end in _client_ends:
            end.close()

    @hookimpl
    def retired(self) -> None:
        """Another configuration has its own: the arbiter's side is closed when the process is
        gone."""
        if self._client_end is not None:
            _client_ends.discard(self._client_end)
            self._client_end.close()
            self._client_end = None
