"""Tests mirror the source: each module of the core has its namesake, and each namesake its module.

The test of ``hookserve/FOLDER/MODULE.py`` is ``tests/FOLDER/test_MODULE.py``; a topic of it may
have a file of its own, ``test_MODULE_TOPIC.py``.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "hookserve"
TESTS = ROOT / "tests"
WITHOUT_NAMESAKE = {
    "hookmarkers.py": "two markers of pluggy, without a line of logic",
    "worker/coroutines.py": "an interface, without a line of logic",
}
"""Modules that hold data alone, each with the reason."""
TESTED_BY_FOLDER = {
    "testing": "each run of the contract under a worker model is its test",
}
"""Folders whose tests are those of one folder together."""


def modules():
    found = (path.relative_to(CORE) for path in CORE.rglob("*.py") if "__" not in path.name)
    return sorted(path for path in found if path.parts[0] not in TESTED_BY_FOLDER)


def namesake(module):
    return TESTS / module.parent / f"test_{module.name}"


def is_about(test, name):
    """``test_MODULE_TOPIC.py`` is about a topic of the module."""
    return test == name or test.startswith(f"{name}_")


@pytest.mark.parametrize("module", modules(), ids=str)
def test_each_module_of_the_core_has_its_namesake_test(module):
    has_one = namesake(module).is_file()

    assert has_one == (module.as_posix() not in WITHOUT_NAMESAKE), namesake(module)


@pytest.mark.parametrize("folder", sorted({path.parent for path in modules()} - {Path()}), ids=str)
def test_each_test_of_a_mirrored_folder_names_its_module(folder):
    names = [path.stem for path in modules() if path.parent == folder]
    found = [path.stem.removeprefix("test_") for path in (TESTS / folder).glob("test_*.py")]

    assert not [each for each in found if not any(is_about(each, name) for name in names)]


@pytest.mark.parametrize("folder", TESTED_BY_FOLDER)
def test_a_folder_that_is_tested_together_has_tests(folder):
    assert list((TESTS / folder).glob("test_*.py"))


def test_each_exception_exists():
    assert all((CORE / name).is_file() for name in WITHOUT_NAMESAKE)
    assert all((CORE / name).is_dir() for name in TESTED_BY_FOLDER)
