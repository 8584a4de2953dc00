"""The whole server as one record, for every form in which it is shown: plain data, as in JSON.

Made in the auxiliary process of what can be read without asking: the scoreboard, the kernel, files.
It needs neither a worker nor the arbiter, so it is there while all of them are stuck.
"""

from __future__ import annotations

import math
import platform
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hookserve import __version__
from hookserve.listeners.queues import accept_queues
from hookserve.worker.layout import BOUNDS
from hookserve_status.certificates import Certificate
from hookserve_status.faults import find_faults
from hookserve_status.metrics import make_registry
from hookserve_status.processes import Process, ProcessReader
from hookserve_status.samples import Samples

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.queues import ListeningSocket
    from hookserve.types import RequestInFlight
    from hookserve.worker.reading import Reader, Reading, WorkerReading
    from hookserve_status.openmetrics import Registry

FORMAT = 1
"""Changes when a field changes its meaning or goes; fields may be added."""
Snapshot = dict[str, Any]  # Any: JSON
_SECRET = ("raw_env",)
"""Settings whose values may hold secrets: names alone are shown."""


class Source:
    """Makes snapshots; from any thread."""

    def __init__(
        self, config: Config, model: str, reader: Reader, listening: Sequence[ListeningSocket]
    ) -> None:
        self._config, self._model, self._reader, self._listening = config, model, reader, listening
        self._samples = Samples()
        self._processes = ProcessReader()
        self._lock = threading.Lock()
        self._settings = _settings(config)
        path = config.get("certfile")
        self._certificate_files = [Certificate(path)] if path else []
        self._cpu_seconds = 0.0

    def sample(self) -> None:
        """Keep the counters for rates."""
        with self._lock:
            reading = self._reader.read()
            self._add_sample(reading, self._measure(reading))

    def metrics(self) -> Registry:
        """The scoreboard, and what the kernel says, as metrics."""
        with self._lock:
            reading = self._reader.read()
            processes = self._measure(reading)
            self._add_sample(reading, processes)
        return make_registry(
            self._model,
            reading,
            self._reader.fields,
            accept_queues(self._listening),
            processes,
            self._cpu_seconds,
            self._certificates(),
        )

    def make(self) -> Snapshot:
        """Everything, at this moment."""
        with self._lock:
            reading = self._reader.read()
            in_flight = self._reader.in_flight()
            processes = self._measure(reading)
            self._add_sample(reading, processes)
            rates, history = self._samples.rates(), self._samples.history()
        found: Snapshot = {
            **self._identity(),
            **_counts(reading),
            "workers": self._workers(reading, in_flight, processes),
            "rates": {**rates._asdict(), "percentiles": _finite(rates.percentiles)},
            "history": [list(each) for each in history],
            "cpu_seconds": self._cpu_seconds,
            "arbiter_rss_bytes": processes[reading.pid].rss_bytes,
            "arbiter_overdue_seconds": reading.overdue,
            "arbiter_is_stopped": processes[reading.pid].is_stopped,
            "fields": [
                {**field._asdict(), "values": list(reading.fields[field.name])}
                for field in self._reader.fields
            ],
            "queues": [each._asdict() for each in accept_queues(self._listening)],
            "certificates": self._certificates(),
            "settings": self._settings,
        }
        found["faults"] = find_faults(found)
        return found

    def _identity(self) -> Snapshot:
        return {
            "format": FORMAT,
            "hookserve": __version__,
            "python": platform.python_version(),
            "name": self._config.proc_name or str(self._config.wsgi_app or ""),
            "model": self._model,
            "timeout": self._config.timeout,
            "boot_timeout": self._config.boot_timeout,
            "drain_delay": self._config.drain_delay,
            "time": time.time(),
        }

    def _measure(self, reading: Reading) -> Mapping[int, Process]:
        """What the kernel says of the arbiter, first, and of each worker."""
        return self._processes.read([reading.pid, *(each.pid for each in reading.workers)])

    def _add_sample(self, reading: Reading, processes: Mapping[int, Process]) -> None:
        own = sum(each.cpu_seconds for each in processes.values())
        # A worker that is reaped meanwhile is in neither or in both: no counter falls.
        own += processes[reading.pid].children_seconds
        self._cpu_seconds = max(self._cpu_seconds, own)
        self._samples.add(reading, self._cpu_seconds)

    def _workers(
        self,
        reading: Reading,
        in_flight: Sequence[tuple[int, int, RequestInFlight]],
        processes: Mapping[int, Process],
    ) -> list[dict[str, object]]:
        requests: dict[tuple[int, int], list[dict[str, object]]] = {}
        for index, pid, request in in_flight:
            shown = {"label": request.label, "id": request.id, "seconds": request.elapsed}
            requests.setdefault((index, pid), []).append(shown)
        is_tls = bool(self._config.get("certfile"))  # then every listener speaks TLS
        return [
            _worker(
                each,
                reading.now,
                processes[each.pid],
                requests.get((each.index, each.pid), []),
                is_tls,
            )
            for each in reading.workers
        ]

    def _certificates(self) -> list[dict[str, object]]:
        return [each.describe() for each in self._certificate_files]


def _counts(reading: Reading) -> Snapshot:
    return {
        "pid": reading.pid,
        "uptime_seconds": reading.now - reading.started_at,
        "generation": reading.serving_generation,
        "wanted": reading.wanted,
        "is_draining": reading.is_draining,
        "is_stopping": reading.is_stopping,
        "totals": dict(reading.counters),
        "durations": {
            "bounds": list(BOUNDS),
            "buckets": list(reading.buckets),
            "sum": reading.seconds,
        },
        "exits": {
            "by_kind": dict(reading.exits_by_kind),
            "latest": [{**each._asdict(), "is_orderly": each.is_orderly} for each in reading.exits],
        },
        "reload": {
            "wanted": reading.reloads_wanted,
            "ended": reading.reloads_ended,
            "generation": reading.generation,
        },
        "reloads": [each._asdict() for each in reading.reloads],
    }


def _worker(
    worker: WorkerReading,
    now: float,
    process: Process,
    requests: list[dict[str, object]],
    is_tls: bool,
) -> dict[str, object]:
    return {
        "index": worker.index,
        "pid": worker.pid,
        "generation": worker.generation,
        "state": worker.state,
        "age_seconds": now - worker.forked_at,
        "silent_seconds": max(0.0, now - worker.heartbeat) if worker.heartbeat else 0.0,
        "busy": len(requests),  # of the same moment as the requests
        "capacity": worker.capacity,
        "connections": worker.connections,
        "tls_connections": worker.connections if is_tls else 0,
        "idle_connections": max(0, worker.connections - worker.busy),
        "requests": worker.counters["requests"],
        "client_errors": worker.counters["client_errors"],
        "server_errors": worker.counters["server_errors"],
        "rss_bytes": process.rss_bytes,
        "cpu_seconds": process.cpu_seconds,
        "fields": {name: list(values) for name, values in worker.fields.items()},
        "in_flight": requests,
    }


def _finite(values: Mapping[str, float | None]) -> dict[str, float | str | None]:
    """JSON has no infinity: above the last bound is shown as such."""
    return {
        name: f">{BOUNDS[-1]:g}" if value is not None and math.isinf(value) else value
        for name, value in values.items()
    }


def _settings(config: Config) -> list[dict[str, object]]:
    """Those that have not their default come first."""
    names = sorted(config, key=lambda name: (config.is_default(name), name))
    return [
        {"name": name, "value": _shown(name, config.get(name)), "origin": config.origin(name)}
        for name in names
    ]


def _shown(name: str, value: object) -> str:
    if isinstance(value, tuple | list):
        words = [str(each) for each in value]
        if name in _SECRET:
            words = [f"{each.partition('=')[0]}=..." for each in words]
        return ", ".join(words) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    if callable(value):
        return getattr(value, "__qualname__", type(value).__name__)
    return "none" if value is None else str(value)
