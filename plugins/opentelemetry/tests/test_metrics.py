"""The scoreboard's metrics in OpenTelemetry's data model."""

from hookserve_opentelemetry.metrics import as_data
from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, Histogram, Sum
from opentelemetry.sdk.resources import Resource

from hookserve.worker.metrics import (
    COUNTER,
    GAUGE,
    HISTOGRAM,
    REQUEST_DURATION,
    Distribution,
    Metric,
    Sample,
)


def exported(*metrics):
    data = as_data(metrics, Resource.create({"service.name": "shop"}), 5)
    ((scope,),) = [each.scope_metrics for each in data.resource_metrics]
    return scope.metrics


def test_a_histogram_keeps_its_buckets_and_has_the_name_of_http():
    durations = Distribution([2, 1, 0], [0.1, 1.0], 0.5)

    (metric,) = exported(Metric(REQUEST_DURATION, HISTOGRAM, "s", "Time.", [Sample({}, durations)]))

    assert (metric.name, metric.unit) == ("http.server.request.duration", "s")
    assert isinstance(metric.data, Histogram)
    (point,) = metric.data.data_points
    assert (point.count, point.sum, list(point.bucket_counts)) == (3, 0.5, [2, 1, 0])
    assert (list(point.explicit_bounds), point.start_time_unix_nano) == ([0.1, 1.0], 5)


def test_a_counter_is_a_sum_that_only_grows_and_a_gauge_is_one():
    samples = [Sample({"kind": "a"}, 3)]

    counter, gauge = exported(
        Metric("hookserve.exits", COUNTER, "1", "Exits.", samples),
        Metric("hookserve.workers", GAUGE, "1", "Workers.", samples),
    )

    assert isinstance(counter.data, Sum)
    assert counter.data.is_monotonic
    assert counter.data.aggregation_temporality == AggregationTemporality.CUMULATIVE
    assert isinstance(gauge.data, Gauge)
    assert gauge.data.data_points[0].attributes == {"kind": "a"}


def test_a_metric_without_values_is_not_sent():
    assert exported(Metric("hookserve.listener.queue", GAUGE, "1", "Queue.", [])) == []
