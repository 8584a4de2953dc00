"""The server's own metrics as a registry: the scoreboard's, and what the kernel says.

Names follow OpenTelemetry's conventions for HTTP where they have one.
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookserve import __version__
from hookserve.worker.metrics import ACTIVE_REQUESTS, REQUEST_DURATION, server_metrics
from hookserve_status.openmetrics import Labels, Registry

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
    """Of an index, whose worker may drain while its replacement serves: a request of either counts,
    and so does what both take of the machine."""
    now, groups = reading.now, _by_index(reading.workers)

    def gauge(name: str, summary: str, values: Iterable[float]) -> None:
        samples = zip(({"worker": index} for index in groups), values, strict=True)
        registry.gauge(f"hookserve_worker_{name}", summary, list(samples))

    def every(measure: Callable[[WorkerReading], float]) -> Iterator[list[float]]:
        return ([measure(worker) for worker in workers] for workers in groups.values())

    busy = map(sum, every(lambda worker: worker.busy))
    gauge("busy", "Requests in flight; with those of one that drains.", busy)
    capacity = map(max, every(lambda worker: worker.capacity))
    gauge("capacity", "Requests that one process may have in flight.", capacity)
    connections = map(sum, every(lambda worker: worker.connections))
    gauge("connections", "Open connections; with those of one that drains.", connections)
    memory = map(sum, every(lambda worker: processes[worker.pid].rss_bytes))
    gauge("resident_memory_bytes", "Memory of a worker; with that of one that drains.", memory)
    silence = map(max, every(lambda worker: _since(worker.heartbeat, now)))
    gauge("silent_seconds", "Since the last sign of life; of one that drains if longer.", silence)
    oldest = map(max, every(lambda worker: _since(worker.oldest_began, now)))
    gauge("oldest_request_seconds", "For how long the oldest request runs; 0: none does.", oldest)
    ages = map(min, every(lambda worker: now - worker.forked_at))
    gauge("age_seconds", "Since the newest process of a worker was forked.", ages)


def _since(moment: float, now: float) -> float:
    """Seconds; 0.0 when there is no such moment."""
    return max(0.0, now - moment) if moment else 0.0


def _by_index(workers: Sequence[WorkerReading]) -> dict[int, list[WorkerReading]]:
    """The workers of each index, two while one is replaced: so there is one series for each."""
    found: dict[int, list[WorkerReading]] = {}
    for worker in workers:
        if worker.state != "gone":
            found.setdefault(worker.index, []).append(worker)
    return found


def _add_fields(registry: Registry, reading: Reading, fields: Iterable[ScoreboardField]) -> None:
    """What plugins have declared in the scoreboard: a counter's sum, each worker's gauge, which is
    the greatest of an index."""
    groups = _by_index(reading.workers)
    for field in fields:
        if field.kind == "counter":
            samples = _numbered({}, reading.fields[field.name])
            registry.counter(f"hookserve_{field.name}", field.summary, samples)
        elif field.kind == "gauge":
            samples = []
            for index, workers in groups.items():
                values = [each.fields[field.name] for each in workers if field.name in each.fields]
                greatest = [max(each) for each in zip(*values, strict=False)]
                samples += _numbered({"worker": index}, greatest)
            registry.gauge(f"hookserve_worker_{field.name}", field.summary, samples)


def _numbered(labels: dict[str, object], values: Sequence[float]) -> list[tuple[Labels, float]]:
    """A sample, or one for each of several numbers."""
    if len(values) == 1:
        return [(labels, values[0])]
    return [({**labels, "number": number}, each) for number, each in enumerate(values)]
