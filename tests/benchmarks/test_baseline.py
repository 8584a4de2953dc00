"""What is a loss, and what is only noise."""

import pytest

from benchmarks import baseline


def outcomes(recorded, first, second=None):
    """The outcome of one row that measures ``first``, and ``second`` when it is asked again."""
    asked = []

    def measure(name, is_again):
        asked.append(is_again)
        return second if is_again else first

    (outcome,) = baseline.compare(["row"], recorded, measure)
    return outcome, asked


@pytest.mark.parametrize(
    ("ratio", "is_lost"),
    [(0.10, False), (0.20, False), (0.2299, False), (0.23, True), (0.40, True), (None, True)],
)
def test_fifteen_percent_are_a_loss(ratio, is_lost):
    assert baseline.has_lost(ratio, 0.20) is is_lost


def test_a_row_that_holds_is_measured_once():
    outcome, asked = outcomes({"row": 0.2}, 0.21)

    assert not outcome.is_lost
    assert asked == [False]


def test_a_loss_that_does_not_come_again_is_no_loss():
    outcome, asked = outcomes({"row": 0.2}, 0.30, 0.22)

    assert not outcome.is_lost
    assert asked == [False, True]
    assert "measured twice" in str(outcome)


def test_a_loss_that_comes_again_is_one_and_names_the_row():
    outcome, _ = outcomes({"row": 0.2}, 0.30, 0.24)

    assert outcome.is_lost
    assert "row: 0.240, was 0.200, +20%" in str(outcome)


def test_a_wrong_answer_is_a_loss():
    outcome, asked = outcomes({"row": 0.2}, None, None)

    assert outcome.is_lost
    assert asked == [False, True]


def test_a_row_that_was_never_recorded_is_an_error():
    with pytest.raises(baseline.BaselineError, match="no ratio of row"):
        outcomes({"other": 0.2}, 0.2)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "baseline.json"

    with pytest.raises(baseline.BaselineError, match="--record"):
        baseline.read(path)
    baseline.write(path, {"row": 0.123456}, {"Python": "3"})

    assert baseline.read(path) == {"row": 0.123}


def test_the_committed_ratios_are_those_of_the_rows_that_are_watched():
    from benchmarks.matrix import QUICK
    from benchmarks.quick import BASELINE

    assert set(baseline.read(BASELINE)) == {pair.name for pair in QUICK}
