"""The scoreboard's metrics in OpenTelemetry's data model, ready to be exported.

The package's instruments count what they are told one by one.  The server has the sums already,
histograms included, so they are put into the model as they are.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as ExportedMetric
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from hookserve.worker.metrics import (
    ACTIVE_REQUESTS,
    COUNTER,
    REQUEST_DURATION,
    Distribution,
    Metric,
    Sample,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

HTTP_NAMES = {
    REQUEST_DURATION: "http.server.request.duration",
    ACTIVE_REQUESTS: "http.server.active_requests",
}
"""The conventions' names for what the server measures under its own."""
_SCOPE = InstrumentationScope("hookserve")
_CUMULATIVE = AggregationTemporality.CUMULATIVE
_UNKNOWN = cast("float", None)
"""The protocol may leave out the least and the largest value, which are not kept; the package's
types do not say so."""


def as_data(metrics: Sequence[Metric], resource: Resource, started: int) -> MetricsData:
    """Metrics as they are now; `started` is when they began, in nanoseconds since the epoch."""
    now = time.time_ns()
    exported = [_exported(metric, started, now) for metric in metrics if metric.samples]
    scope = ScopeMetrics(_SCOPE, exported, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _exported(metric: Metric, started: int, now: int) -> ExportedMetric:
    name = HTTP_NAMES.get(metric.name, metric.name)
    return ExportedMetric(name, metric.description, metric.unit, _data(metric, started, now))


def _data(metric: Metric, started: int, now: int) -> Sum | Gauge | Histogram:
    histograms = [
        _histogram(sample, sample.value, started, now)
        for sample in metric.samples
        if isinstance(sample.value, Distribution)
    ]
    if histograms:
        return Histogram(histograms, _CUMULATIVE)
    points = [
        NumberDataPoint(dict(sample.attributes), started, now, sample.value)
        for sample in metric.samples
        if not isinstance(sample.value, Distribution)
    ]
    if metric.kind == COUNTER:
        return Sum(points, _CUMULATIVE, is_monotonic=True)
    return Gauge(points)


def _histogram(sample: Sample, value: Distribution, started: int, now: int) -> HistogramDataPoint:
    return HistogramDataPoint(
        dict(sample.attributes),
        started,
        now,
        sum(value.counts),
        value.total,
        list(value.counts),
        list(value.bounds),
        min=_UNKNOWN,
        max=_UNKNOWN,
    )
