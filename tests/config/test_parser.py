"""argparse writes the help and explains what is wrong."""

import pytest

from hookserve.config.parser import build_parser, explain_error
from hookserve.config.settings import SettingsTable
from hookserve.config.values import boolean, seconds
from hookserve.types import Setting

TABLE = SettingsTable()
TABLE.add(Setting("shy", True, boolean, "be 100% shy", switch=True), "hooky")
TABLE.add(Setting("pause", 1.5, seconds, "how long"), "hooky")


def no_advice(flag):
    return None


def test_help_groups_settings_by_owner_with_their_defaults():
    text = build_parser(TABLE).format_help()

    assert "settings of hooky:" in text
    assert "do not be 100% shy [true]" in text
    assert "how long [1.5]" in text
    assert "[127.0.0.1:8000]" in text
    assert "--wsgi-app" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-w"], "argument -w/--workers: expected one argument"),
        (["--wrokers", "2"], "unknown option --wrokers (did you mean '--workers'?)"),
        (["--zzz"], "unknown option --zzz; hookserve --help lists them all"),
        (["a", "b"], "unexpected argument 'b': one application is served at a time"),
        (["--strict=yes"], "ignored explicit argument 'yes'"),
        (["a"], "cannot read the arguments a"),
    ],
)
def test_a_mistake_is_explained(words, message):
    error = explain_error(TABLE, words, no_advice)

    assert message in str(error)
    assert error.exit_code == 2


def test_advice_comes_before_the_nearest_flag():
    error = explain_error(TABLE, ["--wrokers=2"], lambda flag: f"{flag} is called workers")

    assert str(error).startswith("unknown option --wrokers (--wrokers is called workers);")
