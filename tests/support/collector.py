"""A collector: it receives OTLP over HTTP, and decodes it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """Keeps what it receives; serves within a `with` statement."""

    def __init__(self):
        self.spans, self.metrics, self.services, self.instances = [], [], set(), set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.receive(self.path, _decompressed(self.headers, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def receive(self, path, body):
        if path == "/v1/traces":
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.services.add(attributes(each.resource)["service.name"])
                self.instances.add(attributes(each.resource)["service.instance.id"])
                self.spans += [span for scope in each.scope_spans for span in scope.spans]
        else:
            for each in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.instances.add(attributes(each.resource)["service.instance.id"])
                self.metrics += [metric for scope in each.scope_metrics for metric in scope.metrics]

    def named(self, name):
        """The metrics that came under a name, in their order."""
        return [each for each in self.metrics if each.name == name]


def _decompressed(headers, body):
    if headers.get("Content-Encoding") == "gzip":
        import gzip

        return gzip.decompress(body)
    return body


def attributes(of):
    """The attributes of a span, a resource or a data point."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in of.attributes}
