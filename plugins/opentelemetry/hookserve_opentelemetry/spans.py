"""A span for each request, in a worker.

The application's part is OpenTelemetry's own middleware for the application's interface: the
parent comes from the request's headers (W3C Trace Context), and spans that the application makes
are children of the request's.  A request that the server refuses never comes to the application;
its span is made of its access record.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from hookserve.requests import REQUEST_ID
from hookserve_opentelemetry.export_log import ExportLog

if TYPE_CHECKING:
    import logging

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

    from hookserve.requests import AccessRecord

_TIMEOUT = 2
"""Seconds that the collector has for one export; a worker that ends waits no longer for it."""
_CONVENTIONS = "OTEL_SEMCONV_STABILITY_OPT_IN"


def instrument_wsgi(app: Any, id_header: str = "") -> Any:  # Any: its WSGI types are its own
    """The WSGI application within OpenTelemetry's middleware; spans have the ids of requests in
    that header, where there is one."""
    _use_stable_names()
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    if not id_header:
        return OpenTelemetryMiddleware(app, request_hook=_name_by_method)
    attribute = attribute_of(id_header)

    def name_and_identify(span: Span, environ: dict[str, Any]) -> None:  # Any: PEP 3333
        _name_by_method(span, environ)
        span.set_attribute(attribute, [environ[REQUEST_ID]])

    return OpenTelemetryMiddleware(app, request_hook=name_and_identify)


def attribute_of(header: str) -> str:
    """The attribute of a span that has a field of the request, as a list of its values."""
    return f"http.request.header.{header.lower()}"


def _name_by_method(span: Span, environ: dict[str, Any]) -> None:  # Any: PEP 3333
    """A name with the path in it would be another for each user; who knows the route renames it."""
    span.update_name(environ["REQUEST_METHOD"])


def _details(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:  # Any: as ASGI says
    """The name of a span, as of `_name_by_method`, and no further attributes."""
    return scope.get("method", "websocket"), {}


def instrument_asgi(app: Any, id_header: str = "") -> Any:  # Any: as above
    """The ASGI application within OpenTelemetry's middleware: one span a request, none for each
    call of `receive` and `send`; ids as of `instrument_wsgi`."""
    _use_stable_names()
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    attribute, field = attribute_of(id_header), id_header.lower().encode()

    def details_with_id(scope: dict[str, Any]) -> tuple[str, dict[str, Any]]:  # Any: as above
        found = [value.decode("latin-1") for name, value in scope["headers"] if name == field]
        return _details(scope)[0], {attribute: found}

    return OpenTelemetryMiddleware(
        app,
        exclude_spans=["receive", "send"],
        default_span_details=details_with_id if id_header else _details,
    )


def _use_stable_names() -> None:
    """The names of the semantic conventions for HTTP that are stable, unless asked otherwise."""
    os.environ.setdefault(_CONVENTIONS, "http")


class SpanSender:
    """Sends a worker's spans in batches, from a thread."""

    def __init__(self, endpoint: str, resource: Resource, log: logging.Logger) -> None:
        """Starts the thread; `endpoint` is the collector's URL.  One that is missing is in the
        log."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=_TIMEOUT)
        watched = ExportLog(log, "spans", endpoint).watch(exporter.export)
        exporter.export = watched  # type: ignore[assignment,method-assign]
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("hookserve")

    def serve_application(self) -> bool:
        """Whether the spans of the middleware and of the application are sent by it: not where the
        application has set a provider of its own, which then has them all."""
        from opentelemetry import trace

        if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
            return False
        trace.set_tracer_provider(self._provider)
        return True

    def add_refused(self, record: AccessRecord, id_header: str = "") -> None:
        """A request that did not come to the application; its id as of `instrument_wsgi`."""
        from opentelemetry import propagate, trace

        method, _, rest = record.request_line.partition(" ")
        environ = record.environ
        carrier = {
            name: environ[key]
            for name, key in (
                ("traceparent", "HTTP_TRACEPARENT"),
                ("tracestate", "HTTP_TRACESTATE"),
            )
            if key in environ
        }
        now, ended = time.time_ns(), time.monotonic()
        attributes = {"http.request.method": method, "url.path": rest.partition(" ")[0]}
        span = self._tracer.start_span(
            method or "HTTP",
            context=propagate.extract(carrier),
            kind=trace.SpanKind.SERVER,
            attributes={**attributes, "http.response.status_code": record.status_code},
            start_time=now - int((ended - record.began) * 1e9),
        )
        if id_header and record.request_id:
            span.set_attribute(attribute_of(id_header), [record.request_id])
        span.set_status(trace.StatusCode.ERROR, record.reason)
        span.end(now)

    def close(self) -> None:
        """Send what is left; takes `_TIMEOUT` seconds at most where there is no collector."""
        self._provider.shutdown()
