"""Within and over."""

import pytest

from benchmarks.verdicts import Budget, verdict


@pytest.mark.parametrize(
    ("ratio", "budget", "expected"),
    [
        (0.20, Budget(0.33, 0.25), "meets the aim"),
        (0.25, Budget(0.33, 0.25), "meets the aim"),
        (0.26, Budget(0.33, 0.25), "within budget"),
        (0.33, Budget(0.33, 0.25), "within budget"),
        (0.34, Budget(0.33, 0.25), "over budget"),
        (0.10, Budget(0.6), "within budget"),
        (0.61, Budget(0.6), "over budget"),
    ],
)
def test_a_ratio_is_judged(ratio, budget, expected):
    assert verdict(ratio, budget) == expected
