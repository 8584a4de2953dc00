"""What the command lines of the commands refuse."""

import pytest
from hookserve_status import ctl, top

from hookserve import UsageError


@pytest.mark.parametrize(
    ("run", "words", "expected"),
    [
        (ctl.run, ["scale", "two"], "ctl: argument N: expected a whole number, got 'two'"),
        (ctl.run, ["recycle", "1.5"], "ctl: argument INDEX: expected a whole number, got '1.5'"),
        (
            ctl.run,
            ["reload", "--timeout", "long"],
            "ctl: argument --timeout: expected seconds, 0 or more, got 'long'",
        ),
        (
            ctl.run,
            ["drain", "--timeout", "nan"],
            "ctl: argument --timeout: expected seconds, 0 or more, got 'nan'",
        ),
        (
            top.run,
            ["-n", "often"],
            "top: argument -n/--interval: expected seconds, 0.01 or more, got 'often'",
        ),
        (
            top.run,
            ["-n", "inf"],
            "top: argument -n/--interval: expected seconds, 0.01 or more, got 'inf'",
        ),
        (ctl.run, ["status", "--now"], "ctl: unrecognized arguments: --now"),
    ],
)
def test_what_cannot_be_understood_is_refused_as_a_settings_value_is(run, words, expected):
    with pytest.raises(UsageError) as refused:
        run(words)

    assert str(refused.value) == expected
