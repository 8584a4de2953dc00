"""The auxiliary process that Prometheus scrapes; it waits for no worker."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hookserve_status import http_server
from hookserve_status.openmetrics import CONTENT_TYPE

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.listeners.queues import describe
from hookserve.worker.reading import Reader

if TYPE_CHECKING:
    from hookserve_status.snapshot import Source

    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve.server import Server


class Exporter:
    """Serves the metrics of one configuration; `directory` has the application's."""

    def __init__(self, config: Config, listeners: PluginListeners, directory: str | None) -> None:
        self._config, self._listeners, self._directory = config, listeners, directory

    @hookimpl
    def auxiliary_processes(self, server: Server) -> list[AuxiliaryProcess]:
        """The process."""
        listening = describe(server.listeners)
        listeners = self._listeners.open(server)

        def run() -> None:
            from hookserve_status.snapshot import Source

            from hookserve.worker.termination import Termination

            reader = Reader(server.scoreboards)
            source = Source(self._config, server.worker_model, reader, listening)
            make_service = partial(Service, source, self._directory)
            http_server.serve(listeners, make_service, Termination(reader.read, server.generation))

        return [AuxiliaryProcess("prometheus", run, is_handed_over=True)]


class Handler(http_server.Handler):
    """One request."""

    server: Service

    def do_GET(self) -> None:
        """The metrics, at the path that Prometheus asks for by default."""
        if self.path.partition("?")[0] == "/metrics":
            self.send_content(200, CONTENT_TYPE, self.server.render().encode())
        else:
            self.send_content(404, "text/plain", b"there is nothing here (try /metrics)\n")

    do_HEAD = do_GET


class Service(http_server.Service):
    """The address."""

    handler = Handler

    def __init__(self, source: Source, directory: str | None, listener: Listener) -> None:
        super().__init__(listener)
        self._source = source
        self._application = None
        if directory is not None:
            from hookserve_prometheus.collection import ApplicationMetrics

            self._application = ApplicationMetrics(directory)

    def render(self) -> str:
        """Everything, as OpenMetrics."""
        registry = self._source.metrics()
        if self._application is not None:
            registry.add_rendered(self._application.render(registry.names))
        return registry.render()
