"""The server's own metrics as a registry: the scoreboard's, and what the kernel says.

Names follow OpenTelemetry's conventions for HTTP where they have one.
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookserve import __version__
from hookserve.worker.metrics import ACTIVE_REQUESTS, REQUEST_DURATION, server_metrics
from hookserve_status.openmetrics import Labels, Registry, render_labels

if TYPE_CHECKING:
    from hookserve import ScoreboardField
    from hookserve.listeners.queues import AcceptQueue
    from hookserve.worker.reading import Reading, WorkerReading
    from hookserve_status.processes import Process

_OF_HTTP = {
    REQUEST_DURATION: "http.server.request.duration",
    ACTIVE_REQUESTS: "http.server.active_requests",
}


def make_registry(
    model: str,
    reading: Reading,
    fields: Iterable[ScoreboardField],
    queues: Iterable[AcceptQueue],
    processes: Mapping[int, Process],
    cpu_seconds: float,
    certificates: Iterable[Mapping[str, Any]],  # Any: JSON
) -> Registry:
    """All metrics at one moment."""
    registry = Registry()
    versions = {"version": __version__, "python": platform.python_version(), "model": model}
    registry.info("hookserve_build", "What runs.", versions)
    for metric in server_metrics(reading, queues):
        registry.add(metric, _OF_HTTP.get(metric.name, ""))
    _add_server(registry, reading, cpu_seconds, certificates)
    _add_workers(registry, reading, processes)
    _add_fields(registry, reading, fields)
    return registry


def _add_server(
    registry: Registry,
    reading: Reading,
    cpu_seconds: float,
    certificates: Iterable[Mapping[str, Any]],
) -> None:
    began = time.time() - (reading.now - reading.started_at)
    registry.gauge("hookserve_start_time_seconds", "When it began, since the epoch.", [({}, began)])
    failed = any(not each.is_complete for each in reading.reloads[:1])
    registry.gauge(
        "hookserve_last_reload_failed", "1 when the last reload had no effect.", [({}, int(failed))]
    )
    stopping = int(reading.is_stopping)
    registry.gauge("hookserve_stopping", "1 when the server stops.", [({}, stopping)])
    registry.counter(
        "hookserve_cpu_seconds",
        "Processor time of the arbiter and of all workers that ever were.",
        [({}, cpu_seconds)],
    )
    registry.gauge(
        "hookserve_certificate_expiry_seconds",
        "Until the certificate expires.",
        [
            ({"file": each["file"]}, each["days_left"] * 86400)
            for each in certificates
            if each["days_left"] is not None
        ],
    )


def _add_workers(registry: Registry, reading: Reading, processes: Mapping[int, Process]) -> None:
    workers = _newest(reading.workers)
    labels = [render_labels({"worker": worker.index}) for worker in workers]

    def gauge(name: str, summary: str, values: Iterable[float]) -> None:
        registry.gauge(f"hookserve_worker_{name}", summary, zip(labels, values, strict=True))

    gauge("busy", "Requests in flight in a worker.", [each.busy for each in workers])
    gauge("capacity", "Requests that it may have in flight.", [each.capacity for each in workers])
    gauge("connections", "Open connections of a worker.", [each.connections for each in workers])
    memory = [processes[each.pid].rss_bytes for each in workers]
    gauge("resident_memory_bytes", "Memory of a worker.", memory)
    silence = [max(0.0, reading.now - each.heartbeat) for each in workers]
    gauge("silent_seconds", "Since a worker's last sign of life.", silence)
    oldest = [reading.now - each.oldest_began if each.busy else 0.0 for each in workers]
    gauge("oldest_request_seconds", "For how long its oldest request runs; 0: none does.", oldest)
    ages = [reading.now - each.forked_at for each in workers]
    gauge("age_seconds", "Since a worker was forked.", ages)


def _newest(workers: Sequence[WorkerReading]) -> list[WorkerReading]:
    """One worker of each index: while one is replaced there are two."""
    return list({each.index: each for each in workers if each.state != "gone"}.values())


def _add_fields(registry: Registry, reading: Reading, fields: Iterable[ScoreboardField]) -> None:
    """What plugins have declared in the scoreboard: a counter's sum, each worker's gauge."""
    for field in fields:
        if field.kind == "counter":
            samples = _numbered({}, reading.fields[field.name])
            registry.counter(f"hookserve_{field.name}", field.summary, samples)
        elif field.kind == "gauge":
            samples = [
                sample
                for worker in _newest(reading.workers)
                for sample in _numbered({"worker": worker.index}, worker.fields.get(field.name, ()))
            ]
            registry.gauge(f"hookserve_worker_{field.name}", field.summary, samples)


def _numbered(labels: dict[str, object], values: Sequence[float]) -> list[tuple[Labels, float]]:
    """A sample, or one for each of several numbers."""
    if len(values) == 1:
        return [(labels, values[0])]
    return [({**labels, "number": number}, each) for number, each in enumerate(values)]
