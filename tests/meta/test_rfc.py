"""Each requirement of the RFCs that the reference lists is held by tests that there are."""

import re
import tomllib
from pathlib import Path

import pytest
from support.references import is_there

ROOT = Path(__file__).parents[2]
TABLES = tomllib.loads((ROOT / "tests" / "rfc.toml").read_text())
ROWS = [(name, row) for name, rows in TABLES.items() for row in rows]
LEVELS = {"MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY", "rule", "advice"}


def label(row):
    return f"{row[0]} {row[1]['section']}: {row[1]['requirement'][:40]}"


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_requirement_is_held_by_tests_that_there_are(row):
    _, requirement = row

    assert requirement["tests"]
    assert [each for each in requirement["tests"] if not is_there(each)] == []


@pytest.mark.parametrize(
    "reference",
    [
        "valid/no-such-request",
        "valid/no-such-*",
        "tests/meta/test_rfc.py::test_nothing",
        "tests/meta/test_nothing.py::test_nothing",
        "tests/meta/test_rfc.py::label",
        "tests/meta/test_rfc.py::TestNothing::test_nothing",
    ],
)
def test_what_there_is_not_is_noticed(reference):
    assert not is_there(reference)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_a_requirement_says_what_it_is(row):
    _, requirement = row

    assert requirement.keys() - {"departs"} == {
        "section",
        "level",
        "requirement",
        "behaviour",
        "tests",
    }
    assert re.fullmatch(r"[0-9]+(\.[0-9]+){0,3}", requirement["section"])
    assert requirement["level"] in LEVELS
    for text in (requirement["requirement"], requirement["behaviour"]):
        assert text
        assert not text.endswith(".")
        assert "|" not in text


def test_the_requirements_are_in_the_order_of_their_sections_and_each_is_there_once():
    assert TABLES.keys() == {"rfc9112", "rfc9110", "rfc6455", "rfc7692"}
    for rows in TABLES.values():
        sections = [[int(each) for each in row["section"].split(".")] for row in rows]
        texts = [(row["section"], row["requirement"], row["behaviour"]) for row in rows]

        assert sections == sorted(sections)
        assert len(set(texts)) == len(texts)
