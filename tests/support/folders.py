"""Working directories of tests."""

import sys


def enter(folder, monkeypatch):
    """Enter an empty working directory that is on the path, for a fixture that yields it; modules
    of tests are forgotten afterwards."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
    yield folder
    for name in [name for name in sys.modules if name.endswith("_under_test")]:
        del sys.modules[name]
