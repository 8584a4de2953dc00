"""What the tests of the command share."""

import pytest
from support.folders import enter


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory; the path is restored."""
    yield from enter(tmp_path, monkeypatch)
