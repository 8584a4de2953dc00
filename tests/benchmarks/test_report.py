"""Medians, spreads, ratios, tables."""

from dataclasses import replace

import pytest

from benchmarks import report
from benchmarks.turns import Turn

TURN = Turn(
    user=1e-6,
    system=2e-6,
    rate=1000.0,
    p50=1e-3,
    p99=2e-3,
    p999=3e-3,
    memory=20.0,
    start=0.1,
    busy=1.0,
    client_busy=0.5,
)


def test_medians_and_spread_are_taken():
    turns = [replace(TURN, user=cost, system=cost) for cost in (1e-6, 2e-6, 4e-6)]

    row = report.summarise("x", turns)

    assert (row.cpu, row.user, row.spread) == pytest.approx((4.0, 2.0, 1.5))
    assert (row.p50, row.p99, row.p999, row.start) == pytest.approx((1.0, 2.0, 3.0, 100.0))


def test_a_ratio_is_the_median_of_the_rounds_whatever_the_machine_does_between_them():
    ratio = report.ratio_of([1.0, 8.0, 9.0], [4.0, 16.0, 10.0])

    assert ratio == report.Ratio(0.5, 0.25, 0.9)


def test_a_wrong_server_has_no_figures():
    text = report.table(
        [report.summarise("good", [TURN]), report.summarise("bad", "wrong: answers 500")]
    )

    assert "bad: wrong: answers 500" in text
    assert "3.0" in text.splitlines()[1]


def test_a_figure_that_was_not_counted_has_no_column():
    bare = report.summarise("x", [TURN])
    counted = report.summarise("y", [replace(TURN, calls=2.5)])

    assert "calls" not in report.grid([bare])[0]
    assert report.grid([bare, counted])[1][-1] == "-"
    assert report.grid([bare, counted])[2][-1] == "2.50"
    assert "instructions" not in report.grid([bare, counted])[0]


def test_a_rate_that_the_client_bounds_is_marked():
    row = report.summarise("x", [replace(TURN, client_busy=0.99)])

    assert report.cells(row)["req/s"] == ">1000"
