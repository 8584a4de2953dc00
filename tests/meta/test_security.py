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


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["ids"][0])
def test_a_published_vulnerability_is_held_by_tests_or_says_why_not(row):
    assert all(map(NUMBER.fullmatch, row["ids"]))
    if "because" in row:
        assert row.keys() == {"ids", "peer", "fault", "because"}
    else:
        assert row.keys() == {"ids", "peer", "fault", "here", "tests"}
        assert row["tests"]
        assert [each for each in row["tests"] if not is_there(each)] == []
    assert not [each for each in row.values() if "|" in each]


def test_there_are_enough_of_them_and_none_is_there_twice():
    ids = [each for row in PUBLISHED for each in row["ids"]]

    assert len(PUBLISHED) >= 120
    assert len(ids) == len(set(ids))
