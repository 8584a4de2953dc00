"""The arbiter's side of the status: what the auxiliary process is given."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.listeners.queues import describe
from hookserve.worker.reading import Reader
from hookserve_status.control import ArbiterSide

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve.server import Server


class StatusPlugin:
    """The status of one configuration."""

    def __init__(self, config: Config, listeners: PluginListeners) -> None:
        self._config = config
        self._listeners = listeners
        self._arbiter_side: ArbiterSide | None = None
        self._client_end: socket.socket | None = None
        self._server: Server | None = None

    @hookimpl
    def auxiliary_processes(self, server: Server) -> list[AuxiliaryProcess]:
        """The process that shows the status: it holds no application, and waits for no worker."""
        self._close()
        kind = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM)
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        self._server, self._client_end = server, theirs
        self._arbiter_side = ArbiterSide(server, ours)
        server.watch(ours.fileno(), self._arbiter_side.on_readable)
        listening = describe(server.listeners)
        listeners = self._listeners.open(server)

        def run() -> None:
            from hookserve_status.control import Client
            from hookserve_status.service import serve
            from hookserve_status.snapshot import Source

            reader = Reader(server.scoreboards)
            source = Source(self._config, server.worker_model, reader, listening)
            serve(listeners, source, Client(theirs))

        return [AuxiliaryProcess("status", run)]

    @hookimpl
    def post_fork(self) -> None:
        """A worker has no part in this."""
        if self._client_end is not None:
            self._client_end.close()

    @hookimpl
    def retired(self) -> None:
        """Another configuration has its own."""
        self._close()

    def _close(self) -> None:
        if self._arbiter_side is not None and self._server is not None:
            self._server.unwatch(self._arbiter_side.fileno())
            self._arbiter_side.close()
        if self._client_end is not None:
            with contextlib.suppress(OSError):
                self._client_end.close()
        self._arbiter_side = self._client_end = None
