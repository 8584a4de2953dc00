"""The title of a process, with and without the package that sets it."""

import sys
from types import ModuleType

import pytest

from hookserve.system import title


@pytest.fixture(autouse=True)
def _each_test_looks_anew():
    title._setproctitle.cache_clear()
    yield
    title._setproctitle.cache_clear()


@pytest.fixture
def titles(monkeypatch):
    """Each title that was set."""
    found = []
    package = ModuleType("setproctitle")
    package.setproctitle = found.append
    monkeypatch.setitem(sys.modules, "setproctitle", package)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop", "hookserve: worker 0 [shop]"),
        (None, "hookserve: worker 0"),
        ("", "hookserve: worker 0"),
    ],
)
def test_a_title_has_the_role_and_the_name_if_there_is_one(titles, name, expected):
    title.set_title(name, "worker 0")

    assert titles == [expected]


def test_without_the_package_the_title_stays(monkeypatch):
    monkeypatch.setitem(sys.modules, "setproctitle", None)  # its import fails

    title.set_title("shop", "arbiter")


def test_the_package_is_looked_for_once(titles, monkeypatch):
    package = sys.modules["setproctitle"]
    monkeypatch.setitem(sys.modules, "setproctitle", None)
    title.set_title(None, "arbiter")
    monkeypatch.setitem(sys.modules, "setproctitle", package)

    title.set_title(None, "worker 0")

    assert titles == []
