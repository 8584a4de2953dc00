"""Records that plugins are handed."""

import pytest

from hookserve import ExitReason


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (ExitReason("drained"), "drained"),
        (ExitReason("killed", "SIGKILL"), "killed (SIGKILL)"),
    ],
)
def test_a_reason_shows_its_detail_where_it_has_one(reason, shown):
    assert str(reason) == shown
