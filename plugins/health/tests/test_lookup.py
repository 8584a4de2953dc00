"""Whether a check is there, without an import."""

import sys

import pytest
from hookserve_health.lookup import find_fault


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A package whose modules must not be imported, and a namespace."""
    for name in ("shop_x/__init__.py", "shop_x/health.py", "space_x/inner/health.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise AssertionError")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    assert not {"shop_x", "space_x"} & set(sys.modules)


@pytest.mark.parametrize("is_certain", [False, True])
@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("nowhere_x:c", "there is no module nowhere_x"),
        ("nowhere_x.deep.er:c", "there is no module nowhere_x"),
        ("shop_x.health:c", ""),
        ("space_x.inner.health:c", ""),
        ("os.path:isdir", ""),
        ("os.nothing:c", "there is no module os.nothing"),
        ("os.path:isdri", "the module os.path has no attribute 'isdri' (did you mean 'isdir'?)"),
        ("os:path.isdir", ""),
        ("os:path.sep", "os:path.sep is not callable, it is of type str"),
    ],
)
def test_what_is_seen_without_an_import(tree, target, fault, is_certain):
    assert find_fault(target, is_certain) == fault


def test_a_package_that_is_not_imported_may_find_its_modules_elsewhere(tree):
    assert find_fault("shop_x.helth:c", is_certain=True) == ""
    assert find_fault("shop_x.helth:c", is_certain=False) == "there is no module shop_x.helth"


def test_a_finder_that_raises_says_nothing(tree, monkeypatch):
    class Finder:
        def find_spec(self, *_):
            raise OSError

    monkeypatch.setattr(sys, "meta_path", [Finder()])
    assert find_fault("nowhere_x:c", is_certain=True) == ""
