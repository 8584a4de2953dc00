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


def test_the_features_that_are_measured_have_a_budget_each():
    assert [each.name for each in marginal.FEATURES if each.budget is None] == ["nothing"]
    for each in marginal.FEATURES:
        assert each.plugin() is not None
