"""What `make autobahn` counts as passed."""

import json

from tests.autobahn import suite
from tests.autobahn.suite import Result


def test_only_what_is_strict_has_passed(tmp_path):
    (tmp_path / "index.json").write_text(
        json.dumps(
            {
                "hookserve": {
                    "1.1.1": {"behavior": "OK", "behaviorClose": "OK"},
                    "6.4.3": {"behavior": "NON-STRICT", "behaviorClose": "OK"},
                    "7.1.5": {"behavior": "OK", "behaviorClose": "WRONG CODE"},
                    "7.1.6": {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"},
                }
            }
        )
    )

    results = suite.read(tmp_path)

    assert [each.case for each in results if each.has_passed] == ["1.1.1", "7.1.6"]


def test_the_table_has_each_section_and_each_failure():
    results = [Result("1.1.1", "OK", "OK"), Result("12.1.1", "FAILED", "OK")]

    lines = suite.table(results)

    assert [line.split()[0] for line in lines] == ["1", "12", "all", "12.1.1:"]
    assert "1 passed    1 failed" in lines[2]


def test_the_parts_are_all_sections():
    parts = [int(pattern.split(".")[0]) for part in suite.PARTS for pattern in part]

    assert set(parts) == set(suite.SECTIONS)
