"""Rates and percentiles of counters."""

import math
from types import SimpleNamespace

import pytest
from hookserve_status.samples import Samples, percentile

from hookserve.worker.layout import BOUNDS, BUCKETS, COUNTERS


def reading(now, requests=0, errors=0, buckets=None, refused=0):
    counters = dict.fromkeys(COUNTERS, 0)
    counters |= {"requests": requests, "server_errors": errors, "saturated": refused}
    return SimpleNamespace(now=now, counters=counters, buckets=buckets or [0] * BUCKETS, workers=[])


def test_a_rate_is_over_the_last_seconds_only():
    samples = Samples()
    for second in range(61):
        samples.add(reading(100.0 + second, requests=10 * second if second > 40 else 0), 0.0)

    assert samples.rates().seconds == 10
    assert samples.rates().requests == pytest.approx(10)


def test_what_is_refused_has_a_rate_of_its_own():
    samples = Samples()
    for second in (0, 10):
        samples.add(reading(100.0 + second, requests=9 * second, refused=3 * second), 0.0)

    assert samples.rates().refused == pytest.approx(3)


def test_without_two_readings_nothing_is_known():
    samples = Samples()
    samples.add(reading(100.0, 5000), 0.0)
    samples.add(reading(100.2, 6000), 0.0)

    assert samples.rates().requests == 0
    assert samples.rates().percentiles == {"p50": None, "p95": None, "p99": None}
    assert samples.history() == []


def test_the_history_has_one_point_each_ten_seconds_of_five_minutes():
    samples = Samples()
    for second in range(1000):
        samples.add(reading(float(second), requests=7 * second, errors=second), 0.0)

    history = samples.history()

    assert 28 <= len(history) <= 31
    assert all(requests == pytest.approx(7) for _, requests, _ in history)
    assert all(errors == pytest.approx(1) for _, _, errors in history)
    assert history[-1][0] < 11


def buckets(**counts):
    found = [0] * BUCKETS
    for name, count in counts.items():
        found[int(name[1:])] = count
    return found


def test_a_percentile_lies_within_its_bucket():
    assert percentile(buckets(b0=100), 0.5) == pytest.approx(0.0025)
    assert percentile(buckets(b0=90, b5=10), 0.95) == pytest.approx(0.0875)
    assert percentile(buckets(b0=1, b14=1), 0.99) == math.inf
    assert percentile(buckets(b13=4), 1.0) == BOUNDS[-1]
    assert percentile(buckets(), 0.5) is None
