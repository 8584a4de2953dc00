"""Which values are accepted, and the messages for others."""

import pytest

from hookserve.config import values


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        (values.integer, "0x10", 16),
        (values.integer, "0o17", 15),
        (values.integer, 7, 7),
        (values.positive, "1", 1),
        (values.worker_count, 4096, 4096),
        (values.seconds, 999999999, 999999999.0),
        (values.seconds, "1.5", 1.5),
        (values.seconds, 0, 0.0),
        (values.interval, "0.01", 0.01),
        (values.interval, 60, 60.0),
        (values.optional_interval, "0", 0.0),
        (values.optional_interval, 0.01, 0.01),
        (values.size, "2M", 2097152),
        (values.size, "10k", 10240),
        (values.size, 5, 5),
        (values.octal, "022", 0o22),
        (values.octal, 0o22, 0o22),
        (values.boolean, "True", True),
        (values.boolean, "off", False),
        (values.boolean, 1, True),
        (values.items, "a, b,", ("a", "b")),
        (values.items, ["a,b"], ("a,b",)),
        (values.lines, "a,b", ("a,b",)),
        (values.variables, "A=b,c", ("A=b,c",)),
        (values.variables, ["A=", "B==1"], ("A=", "B==1")),
        (values.variables, (), ()),
        (values.optional_text, "", None),
        (values.optional_text, None, None),
        (values.mapping, {"a": 1}, {"a": 1}),
        (values.one_of("a", "b"), "b", "b"),
    ],
)
def test_a_value_is_converted(kind, raw, value):
    assert kind(raw) == value


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (values.integer, "-1"),
        (values.integer, "1.5"),
        (values.integer, True),
        (values.positive, 0),
        (values.positive, 1 << 31),
        (values.worker_count, 4097),
        (values.seconds, 1e30),
        (values.interval, 1e30),
        (values.optional_interval, 1e30),
        (values.seconds, "-1"),
        (values.interval, "0"),
        (values.interval, 0.0099),
        (values.interval, "nan"),
        (values.interval, "inf"),
        (values.optional_interval, 0.0099),
        (values.optional_interval, -1),
        (values.optional_interval, "nan"),
        (values.optional_interval, "inf"),
        (values.seconds, "nan"),
        (values.seconds, "inf"),
        (values.seconds, True),
        (values.size, "2T"),
        (values.octal, "9"),
        (values.octal, -1),
        (values.boolean, "perhaps"),
        (values.boolean, 2),
        (values.items, 5),
        (values.items, [1]),
        (values.text, 5),
        (values.variables, "A"),
        (values.variables, ["A=1", "=2"]),
        (values.variables, "A=\0"),
        (values.variables, ""),
        (values.variables, {"A": "1"}),
        (values.mapping, {1: 2}),
        (values.one_of("a", "b"), "c"),
    ],
)
def test_a_wrong_value_says_what_was_expected(kind, raw):
    with pytest.raises(ValueError, match="expected"):
        kind(raw)


@pytest.mark.parametrize("raw", ["warning", "WARNING", " Warn ", "warn"])
def test_a_name_may_be_in_capitals_and_have_an_alias(raw):
    assert values.one_of("debug", "warning", warn="warning")(raw) == "warning"


@pytest.mark.parametrize(("raw", "value"), [("auto", "auto"), ("3", 3), (4, 4)])
def test_a_number_of_workers_may_be_automatic(raw, value):
    assert values.worker_count(raw) == value


@pytest.mark.parametrize("raw", ["0", 0, "many", None, 1.5])
def test_a_wrong_number_of_workers_is_refused(raw):
    with pytest.raises(ValueError, match="or auto"):
        values.worker_count(raw)


def test_a_mode_or_an_account_may_be_absent():
    assert (values.optional_octal(None), values.optional_octal("022")) == (None, 0o22)
    assert (
        values.account(None),
        values.account(""),
        values.account(1000),
        values.account("www"),
    ) == (
        None,
        None,
        "1000",
        "www",
    )


@pytest.mark.parametrize("raw", [-1, "-1", 2**32 - 1, "4294967295", "4294967296", "99999999999"])
def test_a_number_that_no_account_has_is_refused(raw):
    with pytest.raises(ValueError, match="a number from 0 to 4294967294"):
        values.account(raw)


@pytest.mark.parametrize("raw", ["0", 0, "4294967294", "www-data", "\u00b2", "a1"])
def test_other_numbers_and_names_are_left_to_the_system(raw):
    assert values.account(raw) == str(raw)


def test_a_list_where_one_string_is_expected_is_said_to_be_one():
    with pytest.raises(ValueError, match="expected one string, without a list around it"):
        values.text(["127.0.0.1:9100"])


@pytest.mark.parametrize(
    ("kind", "raw", "message"),
    [
        (values.items, ["a", 5], "expected a string, got 5"),
        (values.paths, "a,b\0", r"expected a string without NUL, got 'b\x00'"),
        (values.variables, ["A=1", "B"], "expected KEY=VALUE, got 'B'"),
    ],
)
def test_of_a_list_the_one_that_is_wrong_is_named(kind, raw, message):
    with pytest.raises(values.Rejected) as caught:
        kind(raw)

    assert str(caught.value) == values.explain_rejected(caught.value, raw) == message


def test_what_was_given_is_said_once():
    assert values.explain_rejected(ValueError("expected x"), ["y"]) == "expected x, got ['y']"
    assert values.explain_rejected(values.Rejected("'y' is not x"), ["y"]) == "'y' is not x"
