"""Each promise, and each published vulnerability, is held by tests that there are."""

import re
import tomllib
from pathlib import Path

import pytest
from support.references import is_there

DATA = tomllib.loads((Path(__file__).parents[1] / "security.toml").read_text())
PROMISES = [row for rows in DATA["promises"].values() for row in rows]
PUBLISHED = [row for rows in DATA["published"].values() for row in rows]
NUMBER = re.compile(r"CVE-\d{4}-\d{4,7}|GHSA(-[0-9a-z]{4}){3}")


def test_every_boundary_has_promises():
    assert DATA["promises"].keys() == {
        "client",
        "proxy",
        "application",
        "worker",
        "user",
        "file_system",
    }


@pytest.mark.parametrize("row", PROMISES, ids=lambda row: row["promise"][:40])
def test_a_promise_is_held_by_tests_that_there_are(row):
    assert row["tests"]
    assert [each for each in row["tests"] if not is_there(each)] == []


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["cause"][:40])
def test_a_published_cause_is_held_by_tests_or_says_why_not(row):
    numbers = [each for ids in row["by"].values() for each in ids]
    assert numbers
    assert all(map(NUMBER.fullmatch, numbers))
    assert set(row.get("from_memory", ())) <= set(numbers)
    if "because" in row:
        assert row.keys() == {"cause", "by", "because"}
    else:
        assert row.keys() - {"from_memory"} == {"cause", "by", "here", "tests"}
        assert row["tests"]
        assert [each for each in row["tests"] if not is_there(each)] == []
    assert not [each for each in row.values() if "|" in each]


def test_there_are_enough_causes_with_tests_and_none_is_there_twice():
    causes = [row["cause"].casefold() for row in PUBLISHED]
    held = [row for row in PUBLISHED if "tests" in row]
    numbers = [each for row in PUBLISHED for ids in row["by"].values() for each in ids]

    assert len(held) >= 120
    assert len(causes) == len(set(causes))
    assert len(numbers) == len(set(numbers))


def test_few_causes_share_all_their_tests():
    """Several assertions of one test may hold one cause each; a copied row would have them all."""
    tests = [tuple(sorted(row["tests"])) for row in PUBLISHED if "tests" in row]

    assert len(tests) - len(set(tests)) <= 2
