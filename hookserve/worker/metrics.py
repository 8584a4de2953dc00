"""The scoreboard's numbers as metrics, for all that publish them: a page, a scrape, a push.

Names, units and attributes follow OpenTelemetry's semantic conventions ("Naming", "Metrics").  The
core knows no protocol, so what it measures of requests is `REQUEST_DURATION`; those who publish
it for HTTP call it by HTTP's name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hookserve.worker.layout import BOUNDS

if TYPE_CHECKING:
    from hookserve.listeners.queues import AcceptQueue
    from hookserve.worker.reading import Reading

REQUEST_DURATION = "hookserve.request.duration"
"""In HTTP: ``http.server.request.duration``."""
ACTIVE_REQUESTS = "hookserve.requests.active"
"""In HTTP: ``http.server.active_requests``."""
COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"
"""`Metric.kind`."""
_NONE: Mapping[str, str] = {}


class Distribution(NamedTuple):
    """What a histogram has."""

    counts: Sequence[int]
    """For each bucket, not cumulative; the last one has no upper bound."""
    bounds: Sequence[float]
    """The upper bounds of the others."""
    total: float
    """The sum of all values."""


class Sample(NamedTuple):
    """One value of a metric."""

    attributes: Mapping[str, str]
    """What it is of; none: of the whole server."""
    value: int | float | Distribution
    """A `Distribution` for a histogram."""


class Metric(NamedTuple):
    """A metric and its values now."""

    name: str
    """In OpenTelemetry's form: words with dots between them."""
    kind: str
    """``counter`` (never falls while the server runs), ``gauge`` or ``histogram``."""
    unit: str
    """In UCUM: ``s``, ``By``, ``{request}``."""
    description: str
    """One line."""
    samples: Sequence[Sample]
    """None where there is nothing to say."""


def server_metrics(reading: Reading, queues: Iterable[AcceptQueue] = ()) -> list[Metric]:
    """Everything that the scoreboard has, and the accept queues."""
    return [
        *_of_requests(reading),
        *_of_unserved(reading.counters),
        *_of_connections(reading, queues),
        *_of_workers(reading),
        *_of_arbiter(reading),
        *_of_reloads(reading),
    ]


def _one(name: str, kind: str, unit: str, description: str, value: float) -> Metric:
    return Metric(name, kind, unit, description, [Sample(_NONE, value)])


def _by(attribute: str, values: Mapping[str, int]) -> list[Sample]:
    return [Sample({attribute: name}, value) for name, value in values.items()]


def _of_requests(reading: Reading) -> Iterator[Metric]:
    counters = reading.counters
    durations = Distribution(reading.buckets, BOUNDS, reading.seconds)
    yield Metric(
        REQUEST_DURATION,
        HISTOGRAM,
        "s",
        "Time from a complete request head to the last byte of the response.",
        [Sample(_NONE, durations)],
    )
    busy = sum(worker.busy for worker in reading.workers)
    yield _one(ACTIVE_REQUESTS, GAUGE, "{request}", "Requests in flight.", busy)
    yield from _of_places(reading)
    errors = {"client": counters["client_errors"], "server": counters["server_errors"]}
    yield Metric(
        "hookserve.requests.errors",
        COUNTER,
        "{request}",
        "Requests that ended with an error of the client or of the server.",
        _by("error.origin", errors),
    )
    yield _one(
        "hookserve.response.io", COUNTER, "By", "Bytes of response bodies.", counters["bytes_sent"]
    )


def _of_places(reading: Reading) -> Iterator[Metric]:
    capacity = draining = 0
    for worker in reading.workers:
        if worker.state == "ready":
            capacity += worker.capacity
        else:
            draining += worker.busy
    yield _one(
        "hookserve.requests.capacity",
        GAUGE,
        "{request}",
        "Requests that all workers that accept may have in flight together.",
        capacity,
    )
    yield _one(
        "hookserve.requests.draining",
        GAUGE,
        "{request}",
        "Requests in flight in workers that drain: active, and in no place of the capacity.",
        draining,
    )


def _of_unserved(counters: Mapping[str, int]) -> Iterator[Metric]:
    yield _one(
        "hookserve.requests.saturated",
        COUNTER,
        "{request}",
        "Requests that were refused because they had waited for too long; they are in no other.",
        counters["saturated"],
    )
    yield _one(
        "hookserve.requests.lost",
        COUNTER,
        "{request}",
        "Requests that ended with their worker's process, without a response or amid it.",
        counters["lost"],
    )


def _of_connections(reading: Reading, queues: Iterable[AcceptQueue]) -> Iterator[Metric]:
    counters = reading.counters
    connections = sum(worker.connections for worker in reading.workers)
    yield _one("hookserve.connections.open", GAUGE, "{connection}", "Open.", connections)
    yield Metric(
        "hookserve.connections.accepted",
        COUNTER,
        "{connection}",
        "Accepted.",
        [Sample(_NONE, counters["accepted"])],
    )
    yield _one(
        "hookserve.connections.rejected",
        COUNTER,
        "{connection}",
        "Accepting failed for want of descriptors or memory.",
        counters["rejected"],
    )
    yield Metric(
        "hookserve.listener.queue",
        GAUGE,
        "{connection}",
        "Connections that wait to be accepted.",
        [Sample({"server.address": queue.address}, queue.length) for queue in queues],
    )


def _of_workers(reading: Reading) -> Iterator[Metric]:
    states = Counter(worker.state for worker in reading.workers)
    known = {state: states[state] for state in ("booting", "ready", "draining")}
    yield Metric(
        "hookserve.workers", GAUGE, "{worker}", "Workers that exist.", _by("worker.state", known)
    )
    yield _one("hookserve.workers.wanted", GAUGE, "{worker}", "Workers asked for.", reading.wanted)
    yield Metric(
        "hookserve.worker.exits",
        COUNTER,
        "{worker}",
        "Workers that are gone, by the cause.",
        _by("exit.kind", reading.exits_by_kind),
    )


def _of_arbiter(reading: Reading) -> Iterator[Metric]:
    yield _one(
        "hookserve.arbiter.overdue",
        GAUGE,
        "s",
        "For how long the arbiter has not done what is due; near 0 while it does its work.",
        reading.overdue,
    )


def _of_reloads(reading: Reading) -> Iterator[Metric]:
    yield _one(
        "hookserve.generation",
        GAUGE,
        "1",
        "The number of reloads that took effect, plus one.",
        reading.serving_generation,
    )
    yield _one(
        "hookserve.reloads", COUNTER, "{reload}", "Reloads that have ended.", reading.reloads_ended
    )
    uptime = reading.now - reading.started_at
    yield _one("hookserve.uptime", GAUGE, "s", "Since the server began.", uptime)
