"""The auxiliary process that sends the metrics: workers are never asked, so that their metrics come
while all of them are stuck."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hookserve.listeners.queues import accept_queues
from hookserve.worker.metrics import server_metrics
from hookserve_opentelemetry.export_log import ExportLog
from hookserve_opentelemetry.metrics import as_data

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.resources import Resource

    from hookserve.listeners.queues import ListeningSocket
    from hookserve.worker.reading import Reader
    from hookserve.worker.termination import Termination

Sender = Callable[["MetricsData"], bool]
"""Sends metrics; whether the collector has taken them."""
_TIMEOUT = 5
"""Seconds that the collector has for one export."""


class MetricsSource:
    """The metrics of one server."""

    def __init__(
        self, reader: Reader, sockets: Sequence[ListeningSocket], resource: Resource
    ) -> None:
        self._reader = reader
        self._sockets = sockets
        self._resource = resource

    def read(self) -> MetricsData:
        """All of them, now."""
        reading = self._reader.read()
        started = int(reading.start_time * 1e9)
        metrics = server_metrics(reading, accept_queues(self._sockets))
        return as_data(metrics, self._resource, started)


def export_metrics(
    source: MetricsSource, send: Sender, interval: float, termination: Termination
) -> None:
    """Send every `interval` seconds, when TERM comes, and once more at the end: not to a collector
    that has taken nothing since TERM, which would hold the stop up."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    due = time.monotonic() + interval
    is_taken = True
    while not termination.is_over():
        left = min(due - time.monotonic(), termination.pause)
        has_come = signal.sigtimedwait([signal.SIGTERM], max(0.0, left)) is not None
        if has_come:
            termination.on_sigterm()
            is_taken = True
        if (has_come or time.monotonic() >= due) and not termination.is_over():
            is_taken = send(source.read())
            due = time.monotonic() + interval
    if is_taken:
        send(source.read())
    termination.exit()


def make_sender(endpoint: str, log: logging.Logger) -> Sender:
    """Sends to the collector at that URL; one that is missing is in the log, and no error."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter

    exporter = OTLPMetricExporter(f"{endpoint}/v1/metrics", timeout=_TIMEOUT)
    export = ExportLog(log, "metrics", endpoint).watch(exporter.export)
    return lambda data: export(data).name == "SUCCESS"
