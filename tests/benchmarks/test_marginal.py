"""What one feature adds to a request."""

from time import process_time

from benchmarks import marginal
from benchmarks.marginal import Feature
from hookserve import hookimpl


class Wasteful:
    @hookimpl
    def post_request(self, worker, req, environ, resp):
        end = process_time() + 200e-6
        while process_time() < end:
            pass


def test_what_a_plugin_costs_is_seen(monkeypatch):
    monkeypatch.setattr(marginal, "_REPETITIONS", 3)

    nothing, wasteful = marginal.in_memory(
        [Feature("nothing", None, object), Feature("wasteful", None, Wasteful)]
    )

    assert wasteful > 150
    assert nothing < wasteful / 2


def test_the_call_of_a_hook_is_measured_by_itself(monkeypatch):
    monkeypatch.setattr(marginal, "_REPETITIONS", 3)

    assert 0.01 < marginal.call_of_a_hook() < 5.0


def test_the_features_that_are_measured_can_be_had():
    for each in marginal.FEATURES:
        assert each.plugin() is not None


def test_counters_and_histogram_cost_something(monkeypatch):
    monkeypatch.setattr(marginal, "_REPETITIONS", 20)

    assert 0 < marginal.sums(0.02) < 5
