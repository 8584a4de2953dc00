"""The server's own metrics as a registry: the scoreboard's, and what the kernel says.

Names follow OpenTelemetry's conventions for HTTP where they have one.
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

from __future__ import annotations

import platform
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
    registry.gauge(
        "hookserve_start_time_seconds",
        "When it began, since the epoch.",
        [({}, reading.start_time)],
    )
    failed = any(not each.is_complete for each in reading.reloads[:1])
    registry.gauge(
        "hookserve_last_reload_failed", "1 when the last reload had no effect.", [({}, int(failed))]
    )
    stopping = int(reading.is_draining)
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
    now, memory = reading.now, dict.fromkeys((each.index for each in reading.workers), 0)
    for each in reading.workers:
        memory[each.index] += processes[each.pid].rss_bytes
    workers = _by_index(reading.workers)
    labels = [render_labels({"worker": each.index}) for each in workers]

    def gauge(name: str, summary: str, values: Iterable[int | str]) -> None:
        registry.gauge_of_each(f"hookserve_worker_{name}", summary, labels, values)

    busy = [each.busy for each in workers]
    gauge("busy", "Requests in flight; with those of one that drains.", busy)
    capacity = [each.capacity for each in workers]
    gauge("capacity", "Requests that one process may have in flight.", capacity)
    connections = [each.connections for each in workers]
    gauge("connections", "Open connections; with those of one that drains.", connections)
    sizes = [memory[each.index] for each in workers]
    gauge("resident_memory_bytes", "Memory of a worker; with that of one that drains.", sizes)
    silence = [_since(each.heartbeat, now) for each in workers]
    gauge("silent_seconds", "Since the last sign of life; of one that drains if longer.", silence)
    oldest = [_since(each.oldest_began, now) for each in workers]
    gauge("oldest_request_seconds", "For how long the oldest request runs; 0: none does.", oldest)
    ages = [_since(each.forked_at, now) for each in workers]
    gauge("age_seconds", "Since the newest process of a worker was forked.", ages)


def _since(moment: float, now: float) -> str:
    """Seconds, 0 when there is no such moment; to the millisecond, for to find the shortest text
    that is the very float takes several times as long."""
    return f"{now - moment:.3f}" if 0.0 < moment < now else "0"


def _by_index(workers: Iterable[WorkerReading]) -> list[WorkerReading]:
    """One for each index, so there is one series for each."""
    found: dict[int, WorkerReading] = {}
    for worker in workers:
        other = found.get(worker.index)
        found[worker.index] = worker if other is None else _merge(other, worker)
    return list(found.values())


def _merge(older: WorkerReading, newer: WorkerReading) -> WorkerReading:
    """Of an index whose worker drains while its replacement serves: a request of either counts, and
    so does what both take of the machine."""
    both = (older, newer)
    return newer._replace(
        busy=older.busy + newer.busy,
        capacity=max(older.capacity, newer.capacity),
        connections=older.connections + newer.connections,
        heartbeat=min(filter(None, (each.heartbeat for each in both)), default=0.0),
        oldest_began=min(filter(None, (each.oldest_began for each in both)), default=0.0),
        fields={
            name: [max(each) for each in zip(values, older.fields.get(name, values), strict=False)]
            for name, values in newer.fields.items()
        },
    )


def _add_fields(registry: Registry, reading: Reading, fields: Iterable[ScoreboardField]) -> None:
    """What plugins have declared in the scoreboard: a counter's sum, each worker's gauge, which is
    the greatest of an index."""
    workers = _by_index(reading.workers)
    for field in fields:
        if field.kind == "counter":
            samples = _numbered({}, reading.fields[field.name])
            registry.counter(_name(registry, f"hookserve_{field.name}"), field.summary, samples)
        elif field.kind == "gauge":
            samples = []
            for each in workers:
                values = each.fields.get(field.name, ())
                samples += _numbered({"worker": each.index}, values)
            name = _name(registry, f"hookserve_worker_{field.name}")
            registry.gauge(name, field.summary, samples)


def _name(registry: Registry, name: str) -> str:
    """The name of a field's family: another where the server has one of that name itself."""
    return f"{name}_field" if name in registry.names else name


def _numbered(labels: Labels, values: Sequence[float]) -> list[tuple[Labels, float]]:
    """A sample, or one for each of several numbers."""
    if len(values) == 1:
        return [(labels, values[0])]
    return [({**labels, "number": number}, each) for number, each in enumerate(values)]
