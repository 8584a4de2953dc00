"""Puts spans and metrics together for one configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookserve import AuxiliaryProcess, Middleware, hookimpl

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.queues import ListeningSocket
    from hookserve.server import Server
    from hookserve.types import AccessRecord
    from hookserve.worker.base import Worker
    from hookserve.worker.context import ServerView
    from hookserve_opentelemetry.spans import SpanSender


class Telemetry:
    """Sends to one collector."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._id_header: str = config.get("request_id", "")
        self._spans: SpanSender | None = None
        """In a worker."""

    @hookimpl(tryfirst=True)
    def middlewares(self) -> list[Middleware]:
        """Around all other middleware, whose time is part of the request's."""
        return [
            Middleware("opentelemetry", self._instrument_wsgi, ("wsgi",)),
            Middleware("opentelemetry", self._instrument_asgi, ("asgi",)),
        ]

    def _instrument_wsgi(self, app: Any) -> Any:  # Any: an application
        from hookserve_opentelemetry.spans import instrument_wsgi

        return instrument_wsgi(app, self._id_header)

    def _instrument_asgi(self, app: Any) -> Any:  # Any: an application
        from hookserve_opentelemetry.spans import instrument_asgi

        return instrument_asgi(app, self._id_header)

    @hookimpl(trylast=True)
    def post_worker_init(self, worker: Worker) -> None:
        """The application may have set a provider of its own by now."""
        from hookserve.worker.reading import Reader
        from hookserve_opentelemetry.resource import make_resource
        from hookserve_opentelemetry.spans import SpanSender

        reading = Reader(worker.context.scoreboards).read()
        resource = make_resource(self._config, worker.pid, reading)
        self._spans = SpanSender(self._config.otlp_endpoint, resource, worker.log)
        if not self._spans.serve_application() and worker.index == 0:
            worker.log.info(
                "opentelemetry: the application has a tracer provider of its own, which gets the"
                " spans of its requests"
            )

    @hookimpl
    def log_access(self, record: AccessRecord) -> None:
        """Only what was refused has its request line here, and no middleware has seen it."""
        if record.request_line and self._spans is not None:
            self._spans.add_refused(record, self._id_header)

    @hookimpl
    def worker_exit(self, server: ServerView, worker: Worker) -> None:
        """Send what is left."""
        if self._spans is not None:
            self._spans.close()

    # In the arbiter, and in its auxiliary process.

    @hookimpl
    def auxiliary_processes(self, server: Server) -> list[AuxiliaryProcess]:
        """What sends the metrics."""
        if not self._config.otlp_interval:
            return []
        from hookserve.listeners.queues import describe

        sockets = describe(server.listeners)  # they are closed in the process
        return [AuxiliaryProcess("opentelemetry", lambda: self._send_metrics(server, sockets))]

    def _send_metrics(self, server: Server, sockets: list[ListeningSocket]) -> None:
        from hookserve.worker.reading import Reader
        from hookserve.worker.termination import Termination
        from hookserve_opentelemetry.exporting import MetricsSource, export_metrics, make_sender
        from hookserve_opentelemetry.resource import make_resource

        reader = Reader(server.scoreboards)
        resource = make_resource(self._config, server.pid, reader.read())
        source = MetricsSource(reader, sockets, resource)
        termination = Termination(reader.read, server.generation)
        send = make_sender(self._config.otlp_endpoint, server.log)
        export_metrics(source, send, self._config.otlp_interval, termination)
