"""What the tests of the command share."""

import sys

import pytest


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory; the path is restored."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.endswith("_under_test")]:
        del sys.modules[name]
